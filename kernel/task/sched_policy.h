// Changing how a thread is scheduled: what sched(7) and setpriority(2) allow to whom.
#pragma once
#include <optional>

#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

struct SchedSettings {
  SchedPolicy policy = SchedPolicy::kOther;
  int nice = 0;  // kept for real-time policies, too
  int rt_priority = 0;
  bool reset_on_fork = false;
};

// tid 0: the caller. ESRCH.
Result<SchedSettings> sched_settings(Task& self, int32_t tid);
// EPERM by the rules for unprivileged callers, EINVAL for a priority that does not go with the policy.
Result<void> set_sched_settings(Task& self, int32_t tid, const SchedSettings& to);

Result<uint64_t> sched_affinity(Task& self, int32_t tid);  // those that exist
Result<void> set_sched_affinity(Task& self, int32_t tid, uint64_t mask);

// setpriority(2): all processes, or threads, that `which` and `who` mean. nice is -20..19.
Result<void> set_priority(Task& self, int which, int32_t who, int nice);
Result<int> lowest_nice(Task& self, int which, int32_t who);

}  // namespace lodge
