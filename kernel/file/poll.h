// Readiness. A file's poll() says what holds and, given a table, adds a waiter to each queue that tells of
// changes.
#pragma once
#include <cstdint>

#include "kernel/sched/wait.h"

namespace lodge {

enum : PollEvents {
  kPollIn = 0x001,
  kPollPri = 0x002,
  kPollOut = 0x004,
  kPollErr = 0x008,
  kPollHup = 0x010,
  kPollNval = 0x020,
  kPollRdNorm = 0x040,
  kPollRdBand = 0x080,
  kPollWrNorm = 0x100,
  kPollWrBand = 0x200,
  kPollMsg = 0x400,
  kPollRdHup = 0x2000,
};

// Collects the queues that a poll registers with. poll(2) and epoll derive their own.
class PollTable {
 public:
  virtual void add(WaitQueue& queue) = 0;

 protected:
  ~PollTable() = default;
};

}  // namespace lodge
