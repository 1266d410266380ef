// mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), msync(2), mincore(2), mlock(2).
#include "syscalls/sys_mm.h"

#include <algorithm>

#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "vfs/core/attr.h"

namespace lodge {

using namespace abi;

namespace {

bool may_lock_freely(const Task& task) {
  return task.cred().capable(Cap::kIpcLock);
}

}  // namespace

Result<SyscallReturn> sys_mmap(Task& task, Address addr, uint64_t length, MmapProt prot, MmapFlags flags,
                               Fd fd, FileOffset offset) {
  if (!page_aligned(offset)) return Errno::EINVAL;
  MapRequest request{.hint = addr,
                     .length = length,
                     .prot = prot.bits,
                     .flags = flags.bits,
                     .file = {},
                     .offset = offset,
                     .may_lock_freely = may_lock_freely(task)};
  if (!flags.has(kMapAnonymous)) request.file = TRY(task.fds().get(fd.v)).ref();
  uint64_t at = TRY(task.mm().map(request));
  if (request.file) file_accessed(*request.file);
  return at;
}

Result<SyscallReturn> sys_munmap(Task& task, Address addr, uint64_t length) {
  TRY(task.mm().unmap(addr, length));
  return 0;
}

Result<SyscallReturn> sys_mprotect(Task& task, Address addr, uint64_t length, MmapProt prot) {
  TRY(task.mm().protect(addr, length, prot.bits));
  return 0;
}

// There are no protection keys, so the one key that pages can have is none.
Result<SyscallReturn> sys_pkey_mprotect(Task& task, Address addr, uint64_t length, MmapProt prot,
                                        int32_t pkey) {
  if (pkey != -1) return Errno::EINVAL;
  return sys_mprotect(task, addr, length, prot);
}

Result<SyscallReturn> sys_mremap(Task& task, Address old_addr, uint64_t old_length, uint64_t new_length,
                                 MremapFlags flags, NewAddress new_addr) {
  Mm::RemapRequest request{.old_start = old_addr,
                           .old_length = old_length,
                           .new_length = new_length,
                           .flags = flags.bits,
                           .new_start = new_addr,
                           .may_lock_freely = may_lock_freely(task)};
  return TRY(task.mm().remap(request));
}

Result<SyscallReturn> sys_brk(Task& task, Address end) {
  return task.mm().brk(end);
}

Result<SyscallReturn> sys_madvise(Task& task, Address addr, uint64_t length, MadviseAdvice advice) {
  TRY(task.mm().advise(addr, length, advice.v));
  return 0;
}

Result<SyscallReturn> sys_msync(Task& task, Address addr, uint64_t length, MsyncFlags flags) {
  TRY(task.mm().sync(addr, length, flags.bits));
  return 0;
}

Result<SyscallReturn> sys_mincore(Task& task, Address addr, uint64_t length, UserResidence out) {
  if (!page_aligned(addr)) return Errno::EINVAL;
  if (length > kGuestEnd || addr > kGuestEnd - length) return Errno::ENOMEM;
  uint64_t pages = page_ceil(length) >> kPageShift;
  if (!user_range_ok(out.addr, pages)) return Errno::EFAULT;
  uint8_t chunk[512];
  for (uint64_t done = 0; done < pages;) {
    size_t n = std::min<uint64_t>(pages - done, sizeof chunk);
    TRY(task.mm().in_core(addr + done * kPageSize, {chunk, n}));
    TRY(copy_to_user(out.addr + done, chunk, n));
    done += n;
  }
  return 0;
}

Result<SyscallReturn> sys_mlock(Task& task, Address addr, uint64_t length) {
  TRY(task.mm().lock(addr, length, Mm::OnFault::kPopulate, may_lock_freely(task)));
  return 0;
}

Result<SyscallReturn> sys_mlock2(Task& task, Address addr, uint64_t length, MlockFlags flags) {
  if (flags.bits & ~kMlockOnFault) return Errno::EINVAL;
  auto when = flags.has(kMlockOnFault) ? Mm::OnFault::kOnFault : Mm::OnFault::kPopulate;
  TRY(task.mm().lock(addr, length, when, may_lock_freely(task)));
  return 0;
}

Result<SyscallReturn> sys_munlock(Task& task, Address addr, uint64_t length) {
  TRY(task.mm().unlock(addr, length));
  return 0;
}

Result<SyscallReturn> sys_mlockall(Task& task, MlockallFlags flags) {
  TRY(task.mm().lock_all(flags.bits, may_lock_freely(task)));
  return 0;
}

Result<SyscallReturn> sys_munlockall(Task& task) {
  TRY(task.mm().unlock_all());
  return 0;
}

}  // namespace lodge
