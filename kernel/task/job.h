// Process groups and sessions as calls see and change them (setpgid(2), setsid(2)).
#pragma once
#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

struct Job {
  int32_t group = 0;
  int32_t session = 0;
};
Result<Job> job_of(Task& self, int32_t pid);  // 0: the caller's. ESRCH
int32_t process_group_of(Process& p);
Result<void> set_process_group(Task& self, int32_t pid, int32_t group);
Result<int32_t> start_session(Task& self);

}  // namespace lodge
