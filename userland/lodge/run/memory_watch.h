// Samples what a VPS has in memory, and tells its kernel when that is more than it may have
// (kernel/task/oom.h).
//
// Asleep until the kernel first says that commitments come near the limit. From then on samples follow each
// other closely while something moves and ever more rarely while nothing does. A VPS that stays beyond twice
// its limit has a kernel that does not do its part, and is ended.
//
// The estimate, since the host tells nobody how often a page is shared: what a process has is the anonymous
// memory that it holds (statm), less what it may have inherited by fork, which is known from its count of
// page faults and from what it held when it was first seen. One thread of its own; the mailbox is written by
// index only.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "userland/lodge/run/boot_loader.h"

namespace lodge {

class MemoryWatch {
 public:
  struct Hooks {
    std::function<void()> too_much;  // the sample stands in the mailbox
    std::function<void()> hopeless;
  };
  MemoryWatch(MappedMailbox& mailbox, const Vps& vps, pid_t zygote, Hooks hooks);
  ~MemoryWatch();  // stops
  void look_closer();

 private:
  struct Process {
    uint64_t inherited = 0;  // pages at most
    uint64_t held = 0, faults = 0;
    uint64_t round = 0;  // in which it was last seen
    uint64_t own() const { return std::max(std::min(held, faults), held - std::min(held, inherited)); }
  };
  void run();
  void sample();
  void look_at(pid_t pid);
  void publish(uint64_t resident);
  uint64_t file_pages() const;

  MappedMailbox& box_;
  const Vps& vps_;
  const pid_t zygote_;
  Hooks hooks_;
  std::map<pid_t, Process> processes_;
  uint64_t kernel_pages_ = 0;  // of private memory that all have from the zygote
  uint64_t largest_ = 0;       // that any process ever held
  uint64_t round_ = 0;
  uint64_t moved_ = 0;  // sum that changes when anything does
  uint64_t resident_ = 0;

  std::mutex lock_;
  std::condition_variable bell_;
  bool asked_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace lodge
