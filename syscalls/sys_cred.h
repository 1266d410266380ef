// Changing users, groups and capabilities.
#pragma once
#include "kernel/abi/capability.h"
#include "kernel/file/cred.h"
#include "syscalls/types.h"

namespace lodge {

struct GroupsIn : UserIn<Gid> {};  // as many as the argument before says

Result<SyscallReturn> sys_setuid(Task& task, Uid uid);
Result<SyscallReturn> sys_setgid(Task& task, Gid gid);
Result<SyscallReturn> sys_setreuid(Task& task, Uid real, Uid effective);
Result<SyscallReturn> sys_setregid(Task& task, Gid real, Gid effective);
Result<SyscallReturn> sys_setresuid(Task& task, Uid real, Uid effective, Uid saved);
Result<SyscallReturn> sys_setresgid(Task& task, Gid real, Gid effective, Gid saved);
Result<SyscallReturn> sys_setfsuid(Task& task, Uid uid);
Result<SyscallReturn> sys_setfsgid(Task& task, Gid gid);
Result<SyscallReturn> sys_setgroups(Task& task, int32_t size, GroupsIn list);
Result<SyscallReturn> sys_capget(Task& task, UserInOut<abi::CapHeader> header, UserOut<abi::CapData> data);
Result<SyscallReturn> sys_capset(Task& task, UserInOut<abi::CapHeader> header, UserIn<abi::CapData> data);

}  // namespace lodge
