// Calls on sockets (socket(7)). There are none before the network: no address family is known, so each
// descriptor that these are given is something else, ENOTSOCK, or not open, EBADF.
#pragma once
#include "syscalls/types.h"

namespace lodge {

Result<SyscallReturn> sys_connect(Task& task, Fd fd, Address address, uint32_t length);
Result<SyscallReturn> sys_accept(Task& task, Fd fd, Address address, Address length);
Result<SyscallReturn> sys_accept4(Task& task, Fd fd, Address address, Address length, Hex32 flags);
Result<SyscallReturn> sys_sendto(Task& task, Fd fd, UserBuffer data, uint64_t size, Hex32 flags, Address to,
                                 uint32_t length);
Result<SyscallReturn> sys_recvfrom(Task& task, Fd fd, Address data, uint64_t size, Hex32 flags, Address from,
                                   Address length);
Result<SyscallReturn> sys_sendmsg(Task& task, Fd fd, Address message, Hex32 flags);
Result<SyscallReturn> sys_recvmsg(Task& task, Fd fd, Address message, Hex32 flags);
Result<SyscallReturn> sys_sendmmsg(Task& task, Fd fd, Address messages, uint32_t count, Hex32 flags);
Result<SyscallReturn> sys_recvmmsg(Task& task, Fd fd, Address messages, uint32_t count, Hex32 flags,
                                   Address timeout);
Result<SyscallReturn> sys_shutdown(Task& task, Fd fd, int32_t how);
Result<SyscallReturn> sys_bind(Task& task, Fd fd, Address address, uint32_t length);
Result<SyscallReturn> sys_listen(Task& task, Fd fd, int32_t backlog);
Result<SyscallReturn> sys_getsockname(Task& task, Fd fd, Address address, Address length);
Result<SyscallReturn> sys_getpeername(Task& task, Fd fd, Address address, Address length);
Result<SyscallReturn> sys_setsockopt(Task& task, Fd fd, int32_t level, int32_t name, Address value,
                                     int32_t length);
Result<SyscallReturn> sys_getsockopt(Task& task, Fd fd, int32_t level, int32_t name, Address value,
                                     Address length);

}  // namespace lodge
