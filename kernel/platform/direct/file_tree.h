// The file tree that a VPS starts with: the image under a throw-away overlay at "/", and the kernel's own
// file systems at their usual places.
#pragma once
#include "vfs/core/vfs.h"

namespace lodge {

// Makes the Vfs part and registers the file systems of this folder's siblings. DeviceRegistry, AnonFileState,
// TtyState and MmSystem exist already.
Result<void> init_file_systems();

// Mounts the image, read-only, below an overlay that holds at most half of the memory.
Result<void> mount_root_overlay(Ref<Superblock> image);

// proc, sysfs, devtmpfs, devpts, and tmpfs on /dev/shm and /run; mount points that the image lacks are made
// in the overlay. A type that is not registered is left out.
Result<void> mount_standard_file_systems();

}  // namespace lodge
