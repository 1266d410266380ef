#include "syscalls/sys_socket.h"

#include "kernel/file/fd_table.h"
#include "kernel/task/task.h"

namespace lodge {
namespace {

Result<SyscallReturn> no_socket(Task& task, Fd fd) {
  FileGuard file = TRY(task.fds().get(fd.v));
  return Errno::ENOTSOCK;
}

}  // namespace

Result<SyscallReturn> sys_connect(Task& task, Fd fd, Address, uint32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_accept(Task& task, Fd fd, Address, Address) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_accept4(Task& task, Fd fd, Address, Address, Hex32 flags) {
  constexpr uint32_t kNonblock = 04000, kCloexec = 02000000;
  if (flags & ~(kNonblock | kCloexec)) return Errno::EINVAL;
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_sendto(Task& task, Fd fd, UserBuffer, uint64_t, Hex32, Address, uint32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_recvfrom(Task& task, Fd fd, Address, uint64_t, Hex32, Address, Address) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_sendmsg(Task& task, Fd fd, Address, Hex32) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_recvmsg(Task& task, Fd fd, Address, Hex32) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_sendmmsg(Task& task, Fd fd, Address, uint32_t, Hex32) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_recvmmsg(Task& task, Fd fd, Address, uint32_t, Hex32, Address) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_shutdown(Task& task, Fd fd, int32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_bind(Task& task, Fd fd, Address, uint32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_listen(Task& task, Fd fd, int32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_getsockname(Task& task, Fd fd, Address, Address) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_getpeername(Task& task, Fd fd, Address, Address) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_setsockopt(Task& task, Fd fd, int32_t, int32_t, Address, int32_t) {
  return no_socket(task, fd);
}
Result<SyscallReturn> sys_getsockopt(Task& task, Fd fd, int32_t, int32_t, Address, Address) {
  return no_socket(task, fd);
}

}  // namespace lodge
