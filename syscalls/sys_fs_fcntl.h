// fcntl, flock and ioctl.
#pragma once
#include "syscalls/types.h"

namespace lodge {

struct FcntlCommand {
  int32_t v;
};
struct FcntlArgument : Named<struct FcntlArgumentTag, uint64_t> {  // what it is, the command says
  static bool present(const uint64_t* args, unsigned index);
};
struct IoctlCommand {
  uint32_t v;
};
using IoctlArgument = Named<struct IoctlArgumentTag, uint64_t>;
using FlockOperation = Named<struct FlockOperationTag>;

Result<SyscallReturn> sys_fcntl(Task&, Fd, FcntlCommand, FcntlArgument argument);
Result<SyscallReturn> sys_flock(Task&, Fd, FlockOperation operation);
Result<SyscallReturn> sys_ioctl(Task&, Fd, IoctlCommand, IoctlArgument argument);

}  // namespace lodge
