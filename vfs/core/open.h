// open(2) and its relatives, from a name or a path to an open file.
#pragma once
#include "vfs/core/walk.h"

namespace lodge {

struct OpenHow {
  uint32_t flags = 0;    // O_*
  uint32_t mode = 0;     // of a new file, umask not yet applied
  uint32_t resolve = 0;  // openat2(2)'s RESOLVE_*
};

// EINVAL for contradictory flags.
Result<Ref<File>> open_path_at(const PathContext& ctx, int dirfd, std::string_view name, OpenHow how);
// Opens what a path refers to, with all permission checks (O_CREAT and O_EXCL do not matter any more).
Result<Ref<File>> open_path(const Path& path, uint32_t flags, const Cred& cred);

}  // namespace lodge
