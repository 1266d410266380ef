// Volume: the disk side of a mounted ext4: the image, its geometry, the metadata cache and the group
// descriptors. What inodes, maps and directories are read from; it knows nothing of the VFS. Constant once
// opened but for the cache, which has its own locks.
#pragma once
#include "kernel/base/result.h"
#include "vfs/ext4/buffer_cache.h"
#include "vfs/ext4/device.h"
#include "vfs/ext4/geometry.h"
#include "vfs/ext4/group_table.h"
#include "vfs/ext4/mount_error.h"
#include "vfs/ext4/raw_inode.h"

namespace lodge::ext4 {

class Volume {
 public:
  Volume(host::HostFile image, uint64_t image_bytes)
      : image_bytes_(image_bytes), device_(image, image_bytes >> kBlockShift), buffers_(device_) {}

  // Reads and checks everything that is needed before the first inode, the journal's replay included.
  Result<void> open(size_t max_buffers, MountError& error);

  const Device& device() const { return device_; }
  BufferCache& buffers() { return buffers_; }
  const Geometry& geometry() const { return geo_; }
  const GroupTable& groups() const { return groups_; }

  // EUCLEAN if there is no such inode number or its checksum is wrong.
  Result<RawInode> read_inode(uint32_t ino);

 private:
  Result<void> read_superblock(MountError& error);
  Result<RawInode> inode_in_table(BlockNo table, uint32_t ino);
  Result<void> replay_journal(MountError& error);

  uint64_t image_bytes_;
  Device device_;
  BufferCache buffers_;
  Geometry geo_;
  GroupTable groups_;
};

}  // namespace lodge::ext4
