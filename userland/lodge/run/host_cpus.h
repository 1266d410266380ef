// Which host CPU each virtual CPU of a VPS is. Chosen by load at boot, and again when a virtual CPU is found
// to wait for its host CPU, because others use that, while another one idles.
//
// Whether a thread waits is read from its schedstat (Documentation/scheduler/sched-stats.rst), and who idles
// from /proc/stat; both only when the kernel asks, which it does a few times a second while something runs.
// Not thread-safe: it belongs to the thread that serves requests.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace lodge {

// Ticks (10 ms) that each host CPU has been busy, and idle, since it booted.
struct CpuTicks {
  uint64_t busy = 0, idle = 0;
};
std::map<int, CpuTicks> host_cpu_ticks();

class HostCpus {
 public:
  // host_cpus: of virtual CPU 0, 1, …
  explicit HostCpus(std::vector<int> host_cpus);

  // Gives the thread the affinity of a virtual CPU, or of all if there is none of that number. A thread that
  // has gone is nobody's.
  void pin(pid_t tid, uint32_t virtual_cpu) const;

  // Thread `tid` of process `tgid` runs on `virtual_cpu`, says the kernel. Returns a bit for each virtual CPU
  // that is another host CPU from now on, and whose threads are to be pinned anew.
  uint64_t look(uint32_t virtual_cpu, pid_t tgid, pid_t tid);

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    pid_t tid = 0;
    uint64_t run_ns = 0, wait_ns = 0;  // of that thread
    Clock::time_point when{};          // long ago: not busy
    Clock::time_point moved{};
  };
  double share_of_time(Seen& seen, pid_t tgid, pid_t tid);
  int idle_host_cpu(Clock::time_point now, double least);
  uint64_t move(uint32_t virtual_cpu, int host_cpu);

  std::vector<int> host_cpus_;
  std::vector<Seen> seen_;  // by virtual CPU
  std::map<int, CpuTicks> ticks_;
  Clock::time_point ticks_when_{};
};

}  // namespace lodge
