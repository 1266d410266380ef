#include "userland/lodge/run/memory_watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

namespace lodge {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kShortest{20}, kLongest{2000};
constexpr int kShareOfTime = 20;  // a sample may cost a twentieth of the time
constexpr int kHopelessSamples = 50;
constexpr uint64_t kPage = 4096;

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

File open_proc(pid_t pid, const char* name) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return File(std::fopen(path, "re"), std::fclose);
}

// Resident pages that are no file's; false if it has gone.
bool anonymous_pages(pid_t pid, uint64_t& pages) {
  File f = open_proc(pid, "statm");
  unsigned long long total, resident, shared;
  if (!f || std::fscanf(f.get(), "%llu %llu %llu", &total, &resident, &shared) != 3) return false;
  pages = resident - std::min(resident, shared);
  return true;
}

// Minor faults so far. The name may hold blanks and brackets: the fields begin behind the last one.
uint64_t fault_count(pid_t pid) {
  File f = open_proc(pid, "stat");
  char line[1024];
  if (!f || !std::fgets(line, sizeof line, f.get())) return 0;
  const char* fields = std::strrchr(line, ')');
  unsigned long long faults = 0;
  if (!fields || std::sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %llu", &faults) != 1) return 0;
  return faults;
}

}  // namespace

MemoryWatch::MemoryWatch(MappedMailbox& mailbox, const Vps& vps, pid_t zygote, Hooks hooks)
    : box_(mailbox), vps_(vps), zygote_(zygote), hooks_(std::move(hooks)), thread_([this] { run(); }) {}

MemoryWatch::~MemoryWatch() {
  {
    std::lock_guard guard(lock_);
    ending_ = true;
  }
  bell_.notify_one();
  thread_.join();
}

void MemoryWatch::look_closer() {
  {
    std::lock_guard guard(lock_);
    asked_ = true;
  }
  bell_.notify_one();
}

void MemoryWatch::run() {
  std::unique_lock guard(lock_);
  bell_.wait(guard, [&] { return asked_ || ending_; });
  const uint64_t limit = vps_.memory_bytes / kPage;
  auto pause = kShortest;
  int hopeless = 0;
  while (!ending_) {
    asked_ = false;
    guard.unlock();
    uint64_t before = moved_;
    auto start = Clock::now();
    sample();
    auto cost = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
    if (resident_ > limit) hooks_.too_much();
    hopeless = resident_ > 2 * limit ? hopeless + 1 : 0;
    if (hopeless == kHopelessSamples) hooks_.hopeless();
    pause = moved_ != before ? kShortest : std::min(pause * 2, kLongest);
    guard.lock();
    if (bell_.wait_for(guard, std::max(pause, cost * kShareOfTime), [&] { return asked_ || ending_; }))
      pause = kShortest;
  }
}

void MemoryWatch::look_at(pid_t pid) {
  uint64_t pages;
  if (!anonymous_pages(pid, pages)) return;
  if (pid == zygote_) {
    kernel_pages_ = pages;
    return;
  }
  pages -= std::min(pages, kernel_pages_);
  auto [at, is_new] = processes_.try_emplace(pid);
  Process& p = at->second;
  if (is_new) p.inherited = std::min(pages, largest_);
  p.held = pages;
  p.faults = fault_count(pid);
  p.round = round_;
}

uint64_t MemoryWatch::file_pages() const {
  uint64_t blocks = 0;
  for (const FileDescriptor* f : {&vps_.arena, &vps_.pages}) {
    struct stat st;
    if (fstat(f->get(), &st) == 0) blocks += static_cast<uint64_t>(st.st_blocks);
  }
  // The kernel itself is not the guests' memory. The mailbox says how large it is, so believe it only so far.
  uint64_t kernel = std::min<uint64_t>(box_->boot.page_file_taken, kHugePageSize);
  uint64_t bytes = blocks * 512;
  return (bytes - std::min(bytes, kernel)) / kPage;
}

void MemoryWatch::sample() {
  round_++;
  // All processes of the VPS are children of lodge's main thread.
  File children = open_proc(getpid(), ("task/" + std::to_string(getpid()) + "/children").c_str());
  int pid;
  look_at(zygote_);
  while (children && std::fscanf(children.get(), "%d", &pid) == 1)
    if (pid != zygote_) look_at(pid);
  std::erase_if(processes_, [&](auto& entry) { return entry.second.round != round_; });
  resident_ = file_pages();
  moved_ = resident_;
  for (auto& [id, p] : processes_) {
    resident_ += p.own();
    moved_ += p.held + p.faults;
    largest_ = std::max(largest_, p.held);
  }
  publish(resident_);
}

void MemoryWatch::publish(uint64_t resident) {
  std::vector<mailbox::MemoryEntry> entries;
  for (auto& [id, p] : processes_) entries.push_back({id, static_cast<uint32_t>(p.own())});
  std::sort(entries.begin(), entries.end(), [](auto& a, auto& b) { return a.pages > b.pages; });
  entries.resize(std::min<size_t>(entries.size(), mailbox::kMemoryEntries));
  box_->memory_entries.store(0);
  std::copy(entries.begin(), entries.end(), box_->memory);
  box_->resident_pages.store(resident);
  box_->memory_entries.store(static_cast<uint32_t>(entries.size()));
}

}  // namespace lodge
