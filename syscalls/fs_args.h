// What file system calls do with their arguments before they act: paths, iovecs, the context of names.
#pragma once
#include "kernel/abi/uio.h"
#include "kernel/base/vector.h"
#include "kernel/file/fd_table.h"
#include "kernel/task/task.h"
#include "syscalls/types.h"
#include "vfs/core/name_ops.h"
#include "vfs/core/walk.h"

namespace lodge {

inline PathContext path_context(Task& task) {
  return {task.fs(), task.fds(), task.cred()};
}

// A path copied from the guest, once; on the stack (a call has two at most).
class PathArg {
 public:
  PathArg() {}
  PathArg(const PathArg&) = delete;
  // ENAMETOOLONG, EFAULT. The text lives as long as this.
  Result<std::string_view> read(UserString from) {
    size_t n = TRY(string_from_user(text_, from.addr, sizeof text_));
    return std::string_view(text_, n);
  }

 private:
  char text_[kPathMax];
};

// The path that (dirfd, name) with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW (or _FOLLOW) means.
Result<Path> path_of(Task& task, DirFd dirfd, UserString name, uint32_t walk_flags);
constexpr uint32_t follow_unless(AtFlags f) {
  return ((f.bits & abi::kAtSymlinkNofollow) ? 0u : uint32_t{kFollow}) |
         ((f.bits & abi::kAtEmptyPath) ? uint32_t{kEmptyOk} : 0u);
}

// An iovec array copied and checked as readv(2) says: EINVAL for a bad count or an overflow of the sum,
// EFAULT for what is not guest memory. The sum is cut at MAX_RW_COUNT.
class IovecArg {
 public:
  IovecArg() {}
  IovecArg(const IovecArg&) = delete;
  Result<std::span<const abi::Iovec>> read(UserIn<abi::Iovec> from, uint64_t count);
  // Of pieces of another process's memory, which are for the caller to check.
  Result<std::span<const abi::Iovec>> read_foreign(UserIn<abi::Iovec> from, uint64_t count);

 private:
  enum class Whose : uint8_t { kCaller, kForeign };
  Result<std::span<const abi::Iovec>> copy_in(UserIn<abi::Iovec> from, uint64_t count, Whose whose);

  static constexpr size_t kInline = 8;
  abi::Iovec few_[kInline];
  Vector<abi::Iovec> many_;
};

}  // namespace lodge
