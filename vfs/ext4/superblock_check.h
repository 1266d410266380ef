// From the superblock on disk to Geometry, with every refusal that an image can earn before anything else is
// read.
#pragma once
#include "kernel/base/result.h"
#include "vfs/ext4/geometry.h"
#include "vfs/ext4/mount_error.h"

namespace lodge::ext4 {

// image_bytes: the size of the image file. EINVAL: no ext4. EOPNOTSUPP: a feature. EUCLEAN: damaged.
Result<Geometry> check_superblock(const SuperblockDisk& sb, uint64_t image_bytes, MountError& error);

}  // namespace lodge::ext4
