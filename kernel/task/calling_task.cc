// What files ask of the task that calls (kernel/file/calling_task.h).
#include "kernel/file/calling_task.h"

#include "kernel/file/fd_table.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/task.h"

namespace lodge {

const Cred& current_cred() {
  return current_task().cred();
}

Result<long> install_in_current_task(Ref<File> file, uint32_t flags) {
  Task& task = current_task();
  FdReservation fd = TRY(task.fds().reserve(nofile_limit(task), cloexec_if((flags & abi::kOCloexec) != 0)));
  return fd.install(std::move(file));
}

}  // namespace lodge
