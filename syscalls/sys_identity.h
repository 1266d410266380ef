// Who asks: users and groups of the caller; and what it runs on: uname(2), sethostname(2), arch_prctl(2).
#pragma once
#include "kernel/base/uts.h"
#include "kernel/file/cred.h"
#include "syscalls/types.h"

namespace lodge {

struct Utsname {
  char system[kUtsLength + 1] = {}, node[kUtsLength + 1] = {}, release[kUtsLength + 1] = {},
                           version[kUtsLength + 1] = {}, machine[kUtsLength + 1] = {},
                           domain[kUtsLength + 1] = {};
};
struct GroupsOut : UserOut<Gid> {};  // as many as the call returns
using ArchPrctlCode = Named<struct ArchPrctlCodeTag>;
using ArchPrctlArgument = Named<struct ArchPrctlArgumentTag, uint64_t>;

Result<SyscallReturn> sys_getuid(Task& task);
Result<SyscallReturn> sys_geteuid(Task& task);
Result<SyscallReturn> sys_getgid(Task& task);
Result<SyscallReturn> sys_getegid(Task& task);
Result<SyscallReturn> sys_getresuid(Task& task, UserOut<Uid> real, UserOut<Uid> effective,
                                    UserOut<Uid> saved);
Result<SyscallReturn> sys_getresgid(Task& task, UserOut<Gid> real, UserOut<Gid> effective,
                                    UserOut<Gid> saved);
Result<SyscallReturn> sys_getgroups(Task& task, int32_t size, GroupsOut list);

Result<SyscallReturn> sys_uname(Task& task, UserOut<Utsname> out);
Result<SyscallReturn> sys_sethostname(Task& task, UserBuffer name, uint64_t length);
Result<SyscallReturn> sys_setdomainname(Task& task, UserBuffer name, uint64_t length);
Result<SyscallReturn> sys_arch_prctl(Task& task, ArchPrctlCode code, ArchPrctlArgument argument);

}  // namespace lodge
