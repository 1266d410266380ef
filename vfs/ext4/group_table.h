// The group descriptors: read and checked once at mount, then kept as what lookups need. Writing will need
// the counters and bitmaps too, which is why this is a table of groups and not a list of numbers.
#pragma once
#include "kernel/base/result.h"
#include "kernel/base/vector.h"
#include "vfs/ext4/geometry.h"
#include "vfs/ext4/mount_error.h"

namespace lodge::ext4 {

class BufferCache;

class GroupTable {
 public:
  // EUCLEAN for a wrong checksum or a place outside the file system.
  Result<void> load(const Geometry& geo, BufferCache& buffers, MountError& error);

  // The first block of a group's inode table.
  BlockNo inode_table(uint32_t group) const { return groups_[group].inode_table; }
  uint64_t free_blocks() const { return free_blocks_; }
  uint64_t free_inodes() const { return free_inodes_; }

 private:
  struct Group {
    BlockNo inode_table;
  };
  Vector<Group> groups_;
  uint64_t free_blocks_ = 0;
  uint64_t free_inodes_ = 0;
};

}  // namespace lodge::ext4
