// What system calls do to names: make, remove, link, rename. Lock order of directories: vfs/README.md.
#pragma once
#include "vfs/core/walk.h"

namespace lodge {

struct PathAt {  // a path argument of a *at() call
  int dirfd;
  std::string_view name;
};

// mode: permission bits, and for make_node the type; the umask is applied here.
Result<void> make_directory(const PathContext& ctx, PathAt where, uint32_t mode);
Result<void> make_node(const PathContext& ctx, PathAt where, uint32_t mode, uint64_t rdev);
Result<void> make_symlink(const PathContext& ctx, std::string_view target, PathAt where);
Result<void> make_link(const PathContext& ctx, const Path& target, PathAt where);
Result<void> remove_file(const PathContext& ctx, PathAt where);
Result<void> remove_directory(const PathContext& ctx, PathAt where);

enum RenameFlags : uint32_t { kRenameNoreplace = 1, kRenameExchange = 2, kRenameWhiteout = 4 };
Result<void> rename_path(const PathContext& ctx, PathAt from, PathAt to, uint32_t flags);

// For the kernel itself, at boot (device nodes, mount points): mkdir -p.
Result<Path> make_directories(const PathContext& ctx, std::string_view name, uint32_t mode);

}  // namespace lodge
