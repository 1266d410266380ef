// Geometry: what the superblock says about the file system, checked and in units that the rest uses. Made
// once at mount (superblock_check.cc) and constant from then on.
#pragma once
#include <cstdint>

#include "vfs/ext4/layout.h"

namespace lodge::ext4 {

struct Geometry {
  uint64_t blocks = 0;  // all block numbers are below
  uint32_t inodes = 0;  // inode numbers are 1 .. inodes
  uint32_t groups = 0;
  uint32_t blocks_per_group = 0;
  uint32_t inodes_per_group = 0;
  uint32_t first_ino = 0;  // the first that is not reserved
  uint32_t inode_size = 0;
  uint32_t desc_size = 0;
  uint32_t first_meta_bg = 0;      // descriptor blocks from here on lie in their own groups (kIncompatMetaBg)
  uint32_t backup_groups[2] = {};  // where kCompatSparseSuper2 keeps its backups
  uint32_t journal_ino = 0;        // 0: none, or in a device of its own
  uint64_t reserved_blocks = 0;
  uint64_t overhead_blocks = 0;  // 0: not recorded
  uint32_t compat = 0, incompat = 0, ro_compat = 0;
  uint32_t checksum_seed = 0;  // of everything but the superblock itself
  uint32_t hash_seed[4] = {};
  bool hash_unsigned = false;
  uint8_t uuid[16] = {};

  bool has_checksums() const { return ro_compat & kRoMetadataCsum; }
  bool is_64bit() const { return incompat & kIncompat64Bit; }
  // Whether [first, first + count) are blocks that something may own. Block 0 holds the superblock.
  bool valid_blocks(BlockNo first, uint64_t count) const {
    return first > 0 && first < blocks && count <= blocks - first;
  }
  uint32_t descs_per_block() const { return kBlockSize / desc_size; }
  uint32_t inode_table_blocks() const {
    return static_cast<uint32_t>((uint64_t{inodes_per_group} * inode_size + kBlockSize - 1) >> kBlockShift);
  }
  // Whether a group begins with a backup of the superblock and, without meta_bg, of all descriptors.
  bool group_has_super(uint32_t group) const;
  // The block that the group descriptors [n * descs_per_block(), …) stand in.
  BlockNo desc_block(uint32_t n) const;
};

}  // namespace lodge::ext4
