// ext4 as a type of file system that mount(2) and /proc/filesystems know. The image is mounted at boot, by
// the kernel itself; there are no block devices that another could be on.
#pragma once
#include "vfs/core/vfs.h"

namespace lodge::ext4 {

void register_ext4(Vfs& vfs);

}  // namespace lodge::ext4
