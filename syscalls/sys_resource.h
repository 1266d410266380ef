// Limits and usage: getrlimit(2), getrusage(2), times(2), sysinfo(2).
#pragma once
#include "kernel/abi/resource.h"
#include "syscalls/types.h"

namespace lodge {

struct Sysinfo;
using ResourceId = Named<struct ResourceIdTag>;
using UsageOf = Named<struct UsageOfTag>;

Result<SyscallReturn> sys_getrlimit(Task& task, ResourceId resource, UserOut<abi::Rlimit> out);
Result<SyscallReturn> sys_setrlimit(Task& task, ResourceId resource, UserIn<abi::Rlimit> limit);
Result<SyscallReturn> sys_prlimit64(Task& task, int32_t pid, ResourceId resource, UserIn<abi::Rlimit> limit,
                                    UserOut<abi::Rlimit> old);
Result<SyscallReturn> sys_getrusage(Task& task, UsageOf who, UserOut<abi::Rusage> out);
Result<SyscallReturn> sys_times(Task& task, UserOut<abi::Tms> out);
Result<SyscallReturn> sys_sysinfo(Task& task, UserOut<Sysinfo> out);

}  // namespace lodge
