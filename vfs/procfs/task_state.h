// What stat, status and their like tell of a task, gathered in one go under its locks.
#pragma once
#include "kernel/tty/tty.h"
#include "vfs/procfs/task_key.h"

namespace lodge {

constexpr uint64_t kTickNs100 = 10'000'000;  // USER_HZ: times are shown in hundredths of a second

struct TaskState {
  char comm[16] = {};
  char state = 'Z';  // R, S, D, T, Z: proc(5)
  int32_t pid = 0, tgid = 0, parent = 0, group = 0, session = 0;
  RefPtr<Tty> tty;
  uint32_t threads = 0;
  int32_t exit_signal = 0, exit_status = 0;
  uint32_t exit_uid = 0;
  Usage usage, children;
  uint64_t start_time = 0;
  int nice = 0, rt_priority = 0, policy = 0, cpu = 0;
  uint64_t affinity = 0;
  abi::SigSet pending, shared_pending, blocked, ignored, caught;
  uint64_t resident_limit = kUnlimited, pending_limit = 0;
  uint32_t timer_slack_ns = 0, personality = 0;
};

Result<TaskState> state_of(const TaskKey& key);
const char* state_name(char state);  // "S (sleeping)"

}  // namespace lodge
