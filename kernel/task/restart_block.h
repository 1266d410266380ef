// What a call that was interrupted leaves for restart_syscall(2) to go on with (Restart::kBlock). kernel/task
// keeps one per task, and calls resume() when no handler ran.
#pragma once
#include <cstdint>

#include "kernel/base/result.h"

namespace lodge {

class Task;

struct RestartBlock {
  using Resume = Result<long> (*)(Task&, const RestartBlock&);
  Resume resume = nullptr;  // null: restart_syscall is EINTR
  uint64_t args[5] = {};
};

RestartBlock& restart_block(Task& task);

}  // namespace lodge
