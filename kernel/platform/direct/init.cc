// Process 1: the kernel's own init (userland/init), whose program is part of the kernel's file; or the
// image's.
#include "kernel/file/fd_table.h"
#include "kernel/file/io_cursor.h"
#include "kernel/loader/exec.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/mm/mm.h"
#include "kernel/platform/direct/boot.h"
#include "kernel/sched/sched.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/task/task_random.h"
#include "vfs/core/fs_context.h"
#include "vfs/core/vfs.h"
#include "vfs/tmpfs/memfd.h"

// By the linker: the program, byte for byte (userland/init/CMakeLists.txt).
extern "C" const char _binary_init_start[], _binary_init_end[];

namespace lodge {
namespace {

Result<Ref<File>> init_program(const Cred& cred) {
  Ref<File> file = TRY(make_memfd("init", Sealing::kForbidden, 0500, cred));
  size_t size = static_cast<size_t>(_binary_init_end - _binary_init_start);
  IoCursor bytes = IoCursor::kernel(const_cast<char*>(_binary_init_start), size);
  size_t written = TRY(file->inode()->write(bytes, 0, false));
  if (written != size) return Errno::ENOSPC;
  return file;
}

Result<void> prepare(Task& task, ExecRequest& request) {
  Path root = Vfs::current().mounts().root();
  task.fs_ = TRY(make<FsContext>(root, root, 022));
  task.mm_ = TRY(Mm::create(kernel_part<MmSystem>(), random_u64(), MmLimits()));
  TRY(request.path.append("init"));
  TRY(request.argv.add("init"));
  request.file = TRY(init_program(task.cred()));
  return prepare_exec(task, request);
}

// Made by boot, not started: nobody takes it away.
Task& command_task(Task& init) {
  MutexLock guard(tasks().lock);
  return *init.process().children.front()->leader;
}

}  // namespace

void init_main(Task& task) {
  if (the_mailbox().boot.init) {
    command_main(task);
    return;
  }
  set_blocked(task, {~0ull});  // until it asks for them
  auto request = make_raw<ExecRequest>();
  if (!request.ok()) boot_failed("no memory for init");
  if (auto r = prepare(task, **request); !r.ok()) boot_failed("cannot prepare init", errno_name(r.error()));
  commit_exec(task, *request);
  sched_start(command_task(task), *task.sched.vcpu.load(std::memory_order_relaxed));
}

}  // namespace lodge
