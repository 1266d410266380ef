// Scheduling: sched(7), setpriority(2), getcpu(2).
#pragma once
#include "kernel/abi/sched.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

using SchedulerPolicy = Named<struct SchedulerPolicyTag>;
using PriorityOf = Named<struct PriorityOfTag>;
struct CpuSetIn : UserIn<uint64_t> {};    // its size is the argument before
struct CpuSetOut : UserOut<uint64_t> {};  // as many bytes as the call returns

Result<SyscallReturn> sys_sched_yield(Task& task);
Result<SyscallReturn> sys_sched_setscheduler(Task& task, int32_t tid, SchedulerPolicy policy,
                                             UserIn<abi::SchedParam> param);
Result<SyscallReturn> sys_sched_getscheduler(Task& task, int32_t tid);
Result<SyscallReturn> sys_sched_setparam(Task& task, int32_t tid, UserIn<abi::SchedParam> param);
Result<SyscallReturn> sys_sched_getparam(Task& task, int32_t tid, UserOut<abi::SchedParam> param);
Result<SyscallReturn> sys_sched_setattr(Task& task, int32_t tid, UserInOut<abi::SchedAttr> attr,
                                        uint32_t flags);
Result<SyscallReturn> sys_sched_getattr(Task& task, int32_t tid, UserOut<abi::SchedAttr> attr, uint32_t size,
                                        uint32_t flags);
Result<SyscallReturn> sys_sched_setaffinity(Task& task, int32_t tid, uint32_t size, CpuSetIn mask);
Result<SyscallReturn> sys_sched_getaffinity(Task& task, int32_t tid, uint32_t size, CpuSetOut mask);
Result<SyscallReturn> sys_sched_get_priority_max(Task& task, SchedulerPolicy policy);
Result<SyscallReturn> sys_sched_get_priority_min(Task& task, SchedulerPolicy policy);
Result<SyscallReturn> sys_sched_rr_get_interval(Task& task, int32_t tid, UserOut<abi::Timespec> interval);
Result<SyscallReturn> sys_getpriority(Task& task, PriorityOf which, int32_t who);
Result<SyscallReturn> sys_setpriority(Task& task, PriorityOf which, int32_t who, int32_t nice);
Result<SyscallReturn> sys_getcpu(Task& task, UserOut<uint32_t> cpu, UserOut<uint32_t> node);

}  // namespace lodge
