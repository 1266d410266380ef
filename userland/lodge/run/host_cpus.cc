#include "userland/lodge/run/host_cpus.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace lodge {
namespace {

using std::chrono::milliseconds;

// Who has been seen to run within this time is busy.
constexpr milliseconds kBusy{300};
// Between two moves of a virtual CPU. A move costs its threads' caches.
constexpr milliseconds kBetweenMoves{500};
// /proc/stat counts in steps of 10 ms, so a shorter window says little, and a longer one speaks of the past.
constexpr milliseconds kLeastWindow{90}, kLongestWindow{1000};
constexpr uint64_t kLeastWaitNs = 10'000'000;
// A thread with this share of its host CPU stays; another moves to where it gets that much more.
constexpr double kGoodShare = 0.7, kLeastGain = 0.15;

// The host CPUs that the thread may use.
cpu_set_t affinity_of(pid_t tid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(tid, sizeof set, &set);
  return set;
}

}  // namespace

std::map<int, CpuTicks> host_cpu_ticks() {
  std::map<int, CpuTicks> out;
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);) {
    int cpu;
    unsigned long long user, nice, system, idle, iowait;
    if (std::sscanf(line.c_str(), "cpu%d %llu %llu %llu %llu %llu", &cpu, &user, &nice, &system, &idle,
                    &iowait) == 6)
      out[cpu] = {user + nice + system, idle + iowait};
  }
  return out;
}

HostCpus::HostCpus(std::vector<int> host_cpus) : host_cpus_(std::move(host_cpus)), seen_(host_cpus_.size()) {}

void HostCpus::pin(pid_t tid, uint32_t virtual_cpu) const {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (virtual_cpu < host_cpus_.size())
    CPU_SET(host_cpus_[virtual_cpu], &set);
  else
    for (int c : host_cpus_) CPU_SET(c, &set);
  sched_setaffinity(tid, sizeof set, &set);
}

uint64_t HostCpus::look(uint32_t virtual_cpu, pid_t tgid, pid_t tid) {
  if (virtual_cpu >= host_cpus_.size()) return 0;
  auto now = Clock::now();
  Seen& seen = seen_[virtual_cpu];
  seen.when = now;
  // A thread that was made during a move may have missed it.
  cpu_set_t set = affinity_of(tid);
  if (CPU_COUNT(&set) != 1 || !CPU_ISSET(host_cpus_[virtual_cpu], &set)) pin(tid, virtual_cpu);
  double share = share_of_time(seen, tgid, tid);
  if (share > kGoodShare || now - seen.moved < kBetweenMoves) return 0;
  int target = idle_host_cpu(now, share + kLeastGain);
  return target < 0 ? 0 : move(virtual_cpu, target);
}

// How much of the time in which it could run the host let the thread run: since the last look, or, of a new
// thread, since it was made. 1 if too little time has passed to tell.
double HostCpus::share_of_time(Seen& seen, pid_t tgid, pid_t tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", tgid, tid);
  std::ifstream in(path);
  uint64_t run_ns, wait_ns;
  if (!(in >> run_ns >> wait_ns)) return 1;
  bool known = seen.tid == tid && run_ns >= seen.run_ns && wait_ns >= seen.wait_ns;
  uint64_t ran = run_ns - (known ? seen.run_ns : 0), waited = wait_ns - (known ? seen.wait_ns : 0);
  seen.tid = tid;
  seen.run_ns = run_ns;
  seen.wait_ns = wait_ns;
  return waited < kLeastWaitNs ? 1 : static_cast<double>(ran) / static_cast<double>(ran + waited);
}

// The host CPU that idled most since the last look, at least that share of the time, and that no busy virtual
// CPU is; -1 if there is none.
int HostCpus::idle_host_cpu(Clock::time_point now, double least) {
  auto window = now - ticks_when_;
  if (window < kLeastWindow) return -1;
  auto before = std::exchange(ticks_, host_cpu_ticks());
  ticks_when_ = now;
  if (window > kLongestWindow) return -1;
  cpu_set_t allowed = affinity_of(0);
  int best = -1;
  constexpr double kTick = 10;  // ms
  double most = least * std::chrono::duration<double, std::milli>(window).count() / kTick;
  for (const auto& [cpu, ticks] : ticks_) {
    auto old = before.find(cpu);
    if (old == before.end() || !CPU_ISSET(static_cast<size_t>(cpu), &allowed)) continue;
    bool taken = false;
    for (size_t v = 0; v < host_cpus_.size(); v++)
      taken |= host_cpus_[v] == cpu && now - seen_[v].when < kBusy;
    auto idle = static_cast<double>(ticks.idle - std::min(ticks.idle, old->second.idle));
    if (taken || idle < most) continue;
    most = idle;
    best = cpu;
  }
  return best;
}

// The two change places if the target is another, idle, virtual CPU's.
uint64_t HostCpus::move(uint32_t virtual_cpu, int host_cpu) {
  uint64_t moved = uint64_t{1} << virtual_cpu;
  auto other = std::find(host_cpus_.begin(), host_cpus_.end(), host_cpu);
  if (other != host_cpus_.end()) {
    *other = host_cpus_[virtual_cpu];
    moved |= uint64_t{1} << (other - host_cpus_.begin());
  }
  host_cpus_[virtual_cpu] = host_cpu;
  seen_[virtual_cpu].moved = Clock::now();
  return moved;
}

}  // namespace lodge
