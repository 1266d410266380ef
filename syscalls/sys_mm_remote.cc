// process_vm_readv(2) and process_vm_writev(2): between the caller's memory and that of another process, of
// which one of its own threads copies (kernel/mm/remote.cc).
#include "syscalls/sys_mm_remote.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/mm/mm.h"
#include "kernel/task/access.h"
#include "kernel/task/task.h"
#include "syscalls/fs_args.h"

namespace lodge {
namespace {

struct Other {
  RefPtr<Mm> mm;
  uint32_t generation = 0;  // an exec meanwhile ends the copy
};

Result<Other> find_other(Task& self, int32_t pid) {
  RefPtr<Process> process;
  RefPtr<Cred> cred;
  Other other;
  {
    MutexLock lock(tasks().lock);
    Task* t = tasks().task_locked(pid);
    if (!t) return Errno::ESRCH;
    process = RefPtr<Process>(&t->process());
    cred = t->shared_cred();
    other.mm = t->shared_mm();
  }
  if (!cred || !other.mm) return Errno::ESRCH;
  other.generation = other.mm->generation();
  if (!may_access(self, *process, *cred, AccessBy::kRealIds)) return Errno::EPERM;
  return other;
}

// Copies until one side's pieces or the other's memory end: as many bytes as the call returns.
Result<SyscallReturn> copy_remote(Task& task, int32_t pid, UserIovecs local, uint64_t local_count,
                                  Address remote, uint64_t remote_count, uint64_t flags,
                                  Mm::Direction direction) {
  constexpr size_t kChunk = 64 << 10;
  if (flags != 0) return Errno::EINVAL;
  IovecArg ours_arg, theirs_arg;
  auto ours = TRY(ours_arg.read(local, local_count));
  auto theirs = TRY(theirs_arg.read_foreign({remote.addr}, remote_count));
  Other other = TRY(find_other(task, pid));
  UniquePtr<char> buffer(static_cast<char*>(arena_alloc(kChunk)));
  if (!buffer) return Errno::ENOMEM;
  uint64_t done = 0, in_ours = 0, in_theirs = 0;
  auto next = [](std::span<const abi::Iovec>& pieces, uint64_t& at) {
    while (!pieces.empty() && at == pieces.front().length) {
      pieces = pieces.subspan(1);
      at = 0;
    }
    return !pieces.empty();
  };
  while (next(ours, in_ours) && next(theirs, in_theirs)) {
    size_t n = std::min({ours.front().length - in_ours, theirs.front().length - in_theirs, uint64_t{kChunk}});
    UserAddr here = ours.front().base + in_ours, there = theirs.front().base + in_theirs;
    if (there >= kGuestEnd || n > kGuestEnd - there) break;
    size_t got = n;
    if (direction == Mm::Direction::kWrite) got = n - copy_from_user_partial(buffer.get(), here, n);
    if (got == 0) break;
    Result<size_t> moved = other.mm->copy_remote(direction, other.generation, there, {buffer.get(), got});
    if (!moved.ok() || *moved == 0) break;
    got = *moved;
    if (direction == Mm::Direction::kRead) got -= copy_to_user_partial(here, buffer.get(), got);
    done += got;
    in_ours += got;
    in_theirs += got;
    if (got < n) break;
  }
  bool wanted_nothing = ours.empty() || theirs.empty();
  if (done == 0 && !wanted_nothing) return Errno::EFAULT;
  return done;
}

}  // namespace

Result<SyscallReturn> sys_process_vm_readv(Task& task, int32_t pid, UserOutIovecs local, uint64_t local_count,
                                           Address remote, uint64_t remote_count, uint64_t flags) {
  return copy_remote(task, pid, local, local_count, remote, remote_count, flags, Mm::Direction::kRead);
}

Result<SyscallReturn> sys_process_vm_writev(Task& task, int32_t pid, UserIovecs local, uint64_t local_count,
                                            Address remote, uint64_t remote_count, uint64_t flags) {
  return copy_remote(task, pid, local, local_count, remote, remote_count, flags, Mm::Direction::kWrite);
}

}  // namespace lodge
