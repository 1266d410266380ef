// Which features of ext4 this implementation reads, and the names of all others (as tune2fs(8) prints them).
#pragma once
#include "kernel/base/result.h"
#include "vfs/ext4/layout.h"
#include "vfs/ext4/mount_error.h"

namespace lodge::ext4 {

// ENOTSUP's number, EOPNOTSUPP, and a message naming the first feature that is not understood.
Result<void> check_features(const SuperblockDisk& sb, MountError& error);

}  // namespace lodge::ext4
