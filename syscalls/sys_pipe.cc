#include "syscalls/sys_pipe.h"

#include "kernel/abi/fcntl.h"
#include "kernel/file/fd_table.h"
#include "kernel/ipc/pipe_file.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/task.h"

namespace lodge {

Result<SyscallReturn> sys_pipe2(Task& task, UserOut<FdPair> fds, PipeFlags flags) {
  constexpr uint32_t kNotificationPipe = abi::kOExcl;
  if (flags.bits & ~(abi::kOCloexec | abi::kONonblock | abi::kODirect | kNotificationPipe))
    return Errno::EINVAL;
  if (flags.has(kNotificationPipe)) return Errno::ENOPKG;  // as a kernel without watch queues
  PipeFiles files = TRY(make_pipe(flags.bits & ~abi::kOCloexec, task.cred()));
  FdCloexec cloexec = cloexec_if(flags.has(abi::kOCloexec));
  uint64_t limit = nofile_limit(task);
  FdReservation read_fd = TRY(task.fds().reserve(limit, cloexec));
  FdReservation write_fd = TRY(task.fds().reserve(limit, cloexec));
  TRY(fds.put({read_fd.fd(), write_fd.fd()}));
  read_fd.install(std::move(files.read_end));
  write_fd.install(std::move(files.write_end));
  return 0;
}

Result<SyscallReturn> sys_pipe(Task& task, UserOut<FdPair> fds) {
  return sys_pipe2(task, fds, {0});
}

}  // namespace lodge
