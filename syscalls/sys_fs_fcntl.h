// fcntl, flock and ioctl.
#pragma once
#include "syscalls/types.h"

namespace lodge {

struct FcntlCommand {
  int32_t v;
};
struct IoctlCommand {
  uint32_t v;
};

Result<SyscallReturn> sys_fcntl(Task&, Fd, FcntlCommand, uint64_t argument);
Result<SyscallReturn> sys_flock(Task&, Fd, int32_t operation);
Result<SyscallReturn> sys_ioctl(Task&, Fd, IoctlCommand, uint64_t argument);

}  // namespace lodge
