// Changes of an inode's attributes, with the rules about who may (chmod(2), chown(2), utimensat(2),
// truncate(2)), and the bookkeeping of access times.
#pragma once
#include "kernel/file/cred.h"
#include "kernel/file/file.h"
#include "kernel/file/path.h"

namespace lodge {

Timespec current_time();

Result<void> change_mode(const Path& path, uint32_t mode, const Cred& cred);
constexpr uint32_t kKeepId = ~0u;  // chown's -1
Result<void> change_owner(const Path& path, Uid uid, Gid gid, const Cred& cred);
// A time to set, to now, or not at all (UTIME_NOW, UTIME_OMIT).
struct TimeChange {
  enum class Kind : uint8_t { kNow, kOmit, kSet } kind = Kind::kNow;
  Timespec value;
};
Result<void> change_times(const Path& path, TimeChange atime, TimeChange mtime, const Cred& cred);

// truncate(2) after the lookup: the inode is writable by the caller.
Result<void> truncate_inode(const Path& path, uint64_t size, const Cred& cred);
// A write takes file capabilities away, and that of somebody without CAP_FSETID set-user-ID and set-group-ID.
Result<void> drop_privileged_bits(Inode& inode, const Cred& cred);

// A file was read: its access time, as the mount's noatime, relatime or strictatime wants it.
void file_accessed(File& file);

}  // namespace lodge
