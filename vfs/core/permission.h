// Who may do what to an inode: mode bits, capabilities, and the rules for changes in directories.
// Linux: fs/namei.c (generic_permission, may_delete), path_resolution(7), capabilities(7).
#pragma once
#include "kernel/file/cred.h"
#include "kernel/file/inode.h"

namespace lodge {

enum Access : uint32_t { kExec = 1, kWrite = 2, kRead = 4 };  // access(2)'s bits

// By mode bits and capabilities alone.
bool access_allowed(uint32_t mode, Inode::Owner owner, const Cred& cred, uint32_t wanted);
// EACCES, or EROFS for writing to a file or directory of a read-only file system.
Result<void> check_permission(Inode& inode, const Cred& cred, uint32_t wanted);
// Owner of the inode, or CAP_FOWNER.
bool is_owner(Inode& inode, const Cred& cred);

// The name may be removed from the directory: write permission, sticky bit, the right type.
enum class VictimType : uint8_t { kDirectory, kOther };
Result<void> may_delete(Inode& dir, Inode& victim, const Cred& cred, VictimType type);
Result<void> may_create(Inode& dir, const Cred& cred);

// What a new inode in `dir` gets: owner, group and set-group-ID by the directory's rules (inode(7)).
NewInode new_inode_in(Inode& dir, const Cred& cred, uint32_t mode, uint64_t rdev = 0);

}  // namespace lodge
