#include "syscalls/sys_sched.h"

#include <algorithm>

#include "kernel/sched/sched.h"
#include "kernel/task/sched_policy.h"
#include "syscalls/wait_args.h"

namespace lodge {

using namespace abi;

namespace {

bool is_realtime(int policy) {
  return policy == kSchedFifo || policy == kSchedRr;
}
bool is_known(int policy) {
  return policy == kSchedOther || policy == kSchedBatch || policy == kSchedIdle || is_realtime(policy);
}

Result<SyscallReturn> change(Task& task, int32_t tid, int32_t policy, const SchedParam& param) {
  bool reset = (policy & kSchedResetOnFork) != 0;
  policy &= ~kSchedResetOnFork;
  if (!is_known(policy)) return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  s.policy = static_cast<SchedPolicy>(policy);
  s.rt_priority = param.priority;
  s.reset_on_fork = reset;
  TRY(set_sched_settings(task, tid, s));
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_sched_yield(Task&) {
  sched_yield();
  return 0;
}

Result<SyscallReturn> sys_sched_setscheduler(Task& task, int32_t tid, SchedulerPolicy policy,
                                             UserIn<SchedParam> param) {
  if (policy < 0 || tid < 0 || param.null()) return Errno::EINVAL;
  return change(task, tid, policy, TRY(param.get()));
}

Result<SyscallReturn> sys_sched_getscheduler(Task& task, int32_t tid) {
  if (tid < 0) return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  return static_cast<int>(s.policy) | (s.reset_on_fork ? kSchedResetOnFork : 0);
}

Result<SyscallReturn> sys_sched_setparam(Task& task, int32_t tid, UserIn<SchedParam> param) {
  if (tid < 0 || param.null()) return Errno::EINVAL;
  SchedParam p = TRY(param.get());
  SchedSettings s = TRY(sched_settings(task, tid));
  s.rt_priority = p.priority;
  TRY(set_sched_settings(task, tid, s));
  return 0;
}

Result<SyscallReturn> sys_sched_getparam(Task& task, int32_t tid, UserOut<SchedParam> param) {
  if (tid < 0 || param.null()) return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  TRY(param.put({s.rt_priority}));
  return 0;
}

Result<SyscallReturn> sys_sched_setattr(Task& task, int32_t tid, UserInOut<SchedAttr> attr, uint32_t flags) {
  if (attr.null() || tid < 0 || flags != 0) return Errno::EINVAL;
  uint32_t size = TRY(get_user<uint32_t>(attr.addr));
  if (size == 0) size = kSchedAttrFirstSize;
  bool fits = size >= kSchedAttrFirstSize && size <= kPageSize;
  // What we do not know has to be zero.
  for (uint32_t at = sizeof(SchedAttr); fits && at < size; at++)
    fits = TRY(get_user<uint8_t>(attr.addr + at)) == 0;
  if (!fits) {
    TRY(put_user<uint32_t>(attr.addr, sizeof(SchedAttr)));
    return Errno::E2BIG;
  }
  SchedAttr a;
  TRY(copy_from_user(&a, attr.addr, std::min<size_t>(size, sizeof a)));
  if (a.flags & ~kSchedFlagAll) return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  if (!(a.flags & kSchedFlagKeepPolicy)) {
    if (!is_known(static_cast<int>(a.policy))) return Errno::EINVAL;
    s.policy = static_cast<SchedPolicy>(a.policy);
  }
  if (!(a.flags & kSchedFlagKeepParams)) {
    if (a.priority > 99) return Errno::EINVAL;
    s.rt_priority = static_cast<int>(a.priority);
    if (!is_realtime(static_cast<int>(s.policy))) s.nice = std::clamp(a.nice, -20, 19);
  }
  s.reset_on_fork = (a.flags & kSchedFlagResetOnFork) != 0;
  TRY(set_sched_settings(task, tid, s));
  return 0;
}

Result<SyscallReturn> sys_sched_getattr(Task& task, int32_t tid, UserOut<SchedAttr> attr, uint32_t size,
                                        uint32_t flags) {
  if (attr.null() || tid < 0 || flags != 0 || size < kSchedAttrFirstSize || size > kPageSize)
    return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  SchedAttr a;
  a.size = std::min<uint32_t>(size, sizeof a);
  a.policy = static_cast<uint32_t>(s.policy);
  a.flags = s.reset_on_fork ? kSchedFlagResetOnFork : 0;
  if (is_realtime(static_cast<int>(s.policy)))
    a.priority = static_cast<uint32_t>(s.rt_priority);
  else
    a.nice = s.nice;
  a.util_max = 1024;
  TRY(copy_to_user(attr.addr, &a, a.size));
  return 0;
}

Result<SyscallReturn> sys_sched_setaffinity(Task& task, int32_t tid, uint32_t size, CpuSetIn mask) {
  uint64_t m = 0;
  TRY(copy_from_user(&m, mask.addr, std::min<size_t>(size, sizeof m)));
  TRY(set_sched_affinity(task, tid, m));
  return 0;
}

Result<SyscallReturn> sys_sched_getaffinity(Task& task, int32_t tid, uint32_t size, CpuSetOut mask) {
  if (size < sizeof(uint64_t) || size % sizeof(uint64_t) != 0) return Errno::EINVAL;
  TRY(mask.put(TRY(sched_affinity(task, tid))));
  return sizeof(uint64_t);
}

Result<SyscallReturn> sys_sched_get_priority_max(Task&, SchedulerPolicy policy) {
  if (is_realtime(policy)) return 99;
  return is_known(policy) || policy == kSchedDeadline ? Result<SyscallReturn>(0) : Errno::EINVAL;
}

Result<SyscallReturn> sys_sched_get_priority_min(Task&, SchedulerPolicy policy) {
  if (is_realtime(policy)) return 1;
  return is_known(policy) || policy == kSchedDeadline ? Result<SyscallReturn>(0) : Errno::EINVAL;
}

Result<SyscallReturn> sys_sched_rr_get_interval(Task& task, int32_t tid, UserOut<Timespec> interval) {
  if (tid < 0) return Errno::EINVAL;
  SchedSettings s = TRY(sched_settings(task, tid));
  uint64_t ns = s.policy == SchedPolicy::kRr ? kRrSliceNs : s.policy == SchedPolicy::kFifo ? 0 : kBaseSliceNs;
  TRY(interval.put(ns_to_timespec(ns)));
  return 0;
}

Result<SyscallReturn> sys_getpriority(Task& task, PriorityOf which, int32_t who) {
  return 20 - TRY(lowest_nice(task, which, who));
}

Result<SyscallReturn> sys_setpriority(Task& task, PriorityOf which, int32_t who, int32_t nice) {
  TRY(set_priority(task, which, who, nice));
  return 0;
}

Result<SyscallReturn> sys_getcpu(Task& task, UserOut<uint32_t> cpu, UserOut<uint32_t> node) {
  VirtualCpu* v = task.sched.vcpu.load(std::memory_order_relaxed);
  if (!cpu.null()) TRY(cpu.put(static_cast<uint32_t>(v->index)));
  if (!node.null()) TRY(node.put(0));
  return 0;
}

}  // namespace lodge
