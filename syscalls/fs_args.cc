#include "syscalls/fs_args.h"

namespace lodge {

Result<Path> path_of(Task& task, DirFd dirfd, UserString name, uint32_t walk_flags) {
  PathArg arg;
  return lookup_path(path_context(task), dirfd.v, TRY(arg.read(name)), walk_flags);
}

Result<std::span<const abi::Iovec>> IovecArg::copy_in(UserIn<abi::Iovec> from, uint64_t count, Whose whose) {
  if (count > abi::kIovMax) return Errno::EINVAL;
  if (count == 0) return std::span<const abi::Iovec>();
  abi::Iovec* to = few_;
  if (count > kInline) {
    TRY(many_.resize(count));
    to = many_.data();
  }
  TRY(copy_from_user(to, from.addr, count * sizeof(abi::Iovec)));
  uint64_t left = abi::kMaxRwCount;
  for (uint64_t i = 0; i < count; i++) {
    if (static_cast<int64_t>(to[i].length) < 0) return Errno::EINVAL;
    if (whose == Whose::kCaller && !user_readable(to[i].base, to[i].length)) return Errno::EFAULT;
    to[i].length = std::min(to[i].length, left);
    left -= to[i].length;
  }
  return std::span<const abi::Iovec>(to, count);
}

Result<std::span<const abi::Iovec>> IovecArg::read(UserIn<abi::Iovec> from, uint64_t count) {
  return copy_in(from, count, Whose::kCaller);
}

Result<std::span<const abi::Iovec>> IovecArg::read_foreign(UserIn<abi::Iovec> from, uint64_t count) {
  return copy_in(from, count, Whose::kForeign);
}

}  // namespace lodge
