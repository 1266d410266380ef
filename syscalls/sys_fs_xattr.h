// Extended attributes (xattr(7)).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using XattrFlags = FlagWord<struct XattrFlagsTag>;

Result<SyscallReturn> sys_getxattr(Task&, UserString path, UserString name, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_lgetxattr(Task&, UserString path, UserString name, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_fgetxattr(Task&, Fd, UserString name, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_setxattr(Task&, UserString path, UserString name, UserBuffer from, uint64_t size,
                                   XattrFlags);
Result<SyscallReturn> sys_lsetxattr(Task&, UserString path, UserString name, UserBuffer from, uint64_t size,
                                    XattrFlags);
Result<SyscallReturn> sys_fsetxattr(Task&, Fd, UserString name, UserBuffer from, uint64_t size, XattrFlags);
Result<SyscallReturn> sys_listxattr(Task&, UserString path, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_llistxattr(Task&, UserString path, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_flistxattr(Task&, Fd, UserOutBuffer to, uint64_t size);
Result<SyscallReturn> sys_removexattr(Task&, UserString path, UserString name);
Result<SyscallReturn> sys_lremovexattr(Task&, UserString path, UserString name);
Result<SyscallReturn> sys_fremovexattr(Task&, Fd, UserString name);

}  // namespace lodge
