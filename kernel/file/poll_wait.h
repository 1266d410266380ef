// Waiting for several files at once: what poll(2) and select(2) are made of.
//
// A scan asks each file; the first scan also registers with the files' wait queues, until one file is found
// ready. A wake-up says only that another scan is worth it. Files are kept referenced while a waiter of ours
// is in their queues. Locks: none held between scans; a file's poll() takes its own.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/file/file.h"
#include "kernel/file/poll.h"
#include "kernel/sched/wait.h"

namespace lodge {

class FdTable;

struct PollItem {
  int32_t fd = -1;        // negative: skipped
  PollEvents wanted = 0;  // everything that is of interest; kPollNval counts only if it is in here
  PollEvents got = 0;
};

// The waiters that one thread has in the queues of the files it polls.
class PollWaiters final : public PollTable {
 public:
  explicit PollWaiters(Thread& thread) : thread_(thread) {}
  ~PollWaiters();
  PollWaiters(const PollWaiters&) = delete;

  // What the following add()s are for: which file is being asked, and which events shall wake.
  void aim(File& file, PollEvents interest) {
    file_ = &file;
    interest_ = interest;
  }
  void add(WaitQueue& queue) override;
  bool out_of_memory() const { return out_of_memory_; }
  // Waits until some queue was woken since the last call. kTimedOut and kInterrupted as wait_event has them.
  WaitOutcome wait(uint64_t deadline_ns);

 private:
  struct Entry : Waiter {
    Entry() : Waiter(&on_event) {}
    PollWaiters* owner = nullptr;
    RefPtr<File> file;
  };
  static constexpr size_t kInline = 6;
  static constexpr size_t kPerChunk = 32;
  struct Chunk {
    Chunk* next = nullptr;
    Entry entries[kPerChunk];
  };
  static bool on_event(Waiter& waiter, PollEvents events);
  Entry* next_entry();
  void clear(std::span<Entry> entries);

  Thread& thread_;
  std::atomic<bool> triggered_{false};
  bool out_of_memory_ = false;
  File* file_ = nullptr;
  PollEvents interest_ = 0;
  size_t used_ = 0;  // entries in use, inline ones and then chunk by chunk
  Chunk* chunks_ = nullptr;
  Entry inline_[kInline];
};

// Fills in each item's `got` and returns how many have any, waiting for the first until the deadline (host
// CLOCK_MONOTONIC; 0 does not wait). 0 after a timeout, EINTR (without a rule for restarting) after a signal.
Result<int> poll_files(FdTable& fds, std::span<PollItem> items, uint64_t deadline_ns);

}  // namespace lodge
