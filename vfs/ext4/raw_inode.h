// An inode as it stands in its table: its bytes, held through their buffer, with the checksum found right.
#pragma once
#include <cstring>
#include <span>

#include "vfs/ext4/buffer_cache.h"
#include "vfs/ext4/inode_checksum.h"
#include "vfs/ext4/layout.h"

namespace lodge::ext4 {

class RawInode {
 public:
  RawInode(BufferRef buffer, std::span<const uint8_t> bytes, uint32_t fs_seed, uint32_t ino);

  const InodeDisk& disk() const {
    return disk_;
  }  // what lies beyond the inode size or extra_isize reads as zero
  std::span<const uint8_t> bytes() const { return bytes_; }
  InodeId id() const { return id_; }
  bool checksum_ok() const;
  // Where extra_isize ends and extended attributes in the inode begin; the inode size if there is no room for
  // any.
  size_t extra_end() const { return extra_end_; }

 private:
  BufferRef buffer_;
  std::span<const uint8_t> bytes_;
  InodeDisk disk_{};
  InodeId id_;
  size_t extra_end_;
};

}  // namespace lodge::ext4
