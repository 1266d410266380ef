// See ext4_format.h.
#include "userland/lodge/image/ext4_format.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "userland/lodge/failure.h"

namespace lodge {

namespace {

constexpr unsigned kInodeBytes = 256;
constexpr unsigned kExtraIsize = sizeof(ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
constexpr unsigned kReservedPercent = 5;
constexpr unsigned kLogGroupsPerFlex = 4;

// Bytes per inode as mke2fs.conf has them for its types small, (none) and big.
uint64_t inode_ratio(uint64_t bytes) {
  if (bytes < (512ull << 20)) return 4096;
  return bytes < (4ull << 40) ? 16384 : 32768;
}

void fill_random(void* bytes, size_t count) {
  if (getrandom(bytes, count, 0) != static_cast<ssize_t>(count)) throw host_failure("getrandom", errno);
}

ext2_super_block parameters(uint64_t bytes) {
  ext2_super_block super{};
  super.s_rev_level = EXT2_DYNAMIC_REV;
  super.s_log_block_size = 2;    // 1 KiB << 2
  super.s_log_cluster_size = 2;  // no bigalloc
  super.s_inode_size = kInodeBytes;
  super.s_first_ino = EXT2_GOOD_OLD_FIRST_INO;
  super.s_log_groups_per_flex = kLogGroupsPerFlex;
  super.s_min_extra_isize = super.s_want_extra_isize = kExtraIsize;
  super.s_errors = EXT2_ERRORS_CONTINUE;
  uint64_t blocks = bytes / kImageBlockBytes;
  ext2fs_blocks_count_set(&super, blocks);
  ext2fs_r_blocks_count_set(&super, blocks * kReservedPercent / 100);
  super.s_inodes_count = bytes / inode_ratio(bytes);

  ext2fs_set_feature_xattr(&super);
  ext2fs_set_feature_resize_inode(&super);
  ext2fs_set_feature_dir_index(&super);
  ext2fs_set_feature_filetype(&super);
  ext2fs_set_feature_extents(&super);
  ext2fs_set_feature_64bit(&super);
  ext2fs_set_feature_flex_bg(&super);
  ext2fs_set_feature_sparse_super(&super);
  ext2fs_set_feature_large_file(&super);
  ext2fs_set_feature_huge_file(&super);
  ext2fs_set_feature_dir_nlink(&super);
  ext2fs_set_feature_extra_isize(&super);
  ext2fs_set_feature_metadata_csum(&super);
  return super;
}

void set_identity(ext2_filsys fs) {
  ext2_super_block& super = *fs->super;
  fill_random(super.s_uuid, sizeof super.s_uuid);
  super.s_uuid[6] = (super.s_uuid[6] & 0x0f) | 0x40;  // version 4
  super.s_uuid[8] = (super.s_uuid[8] & 0x3f) | 0x80;
  super.s_checksum_type = EXT2_CRC32C_CHKSUM;
  ext2fs_init_csum_seed(fs);
  fill_random(super.s_hash_seed, sizeof super.s_hash_seed);
  super.s_def_hash_version = EXT2_HASH_HALF_MD4;
  super.s_flags |= EXT2_FLAGS_SIGNED_HASH;  // as char is signed on x86
  super.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
  super.s_max_mnt_count = -1;
  super.s_mkfs_time = super.s_lastcheck = time(nullptr);
  super.s_checkinterval = 0;
}

void mark_reserved_inodes(ext2_filsys fs) {
  for (ext2_ino_t ino = EXT2_BAD_INO; ino < EXT2_FIRST_INODE(fs->super); ino++) {
    if (ino != EXT2_ROOT_INO) ext2fs_inode_alloc_stats2(fs, ino, +1, 0);
  }
}

}  // namespace

void check_ext4(errcode_t error, const std::string& what) {
  if (error == 0) return;
  if (error == EXT2_ET_BLOCK_ALLOC_FAIL || error == EXT2_ET_INODE_ALLOC_FAIL ||
      error == EXT2_ET_DIR_NO_SPACE) {
    const char* lacking = error == EXT2_ET_INODE_ALLOC_FAIL ? "inodes" : "blocks";
    throw Failure(what + ": the image has no " + lacking + " left; give it a larger --size");
  }
  throw Failure(what + ": " + error_message(error));
}

Ext4Filesystem::Ext4Filesystem(const std::string& file, uint64_t bytes) {
  initialize_ext2_error_table();
  ext2_super_block super = parameters(bytes);
  check_ext4(ext2fs_initialize(file.c_str(), EXT2_FLAG_64BITS, &super, unix_io_manager, &fs_), file);
  try {
    set_identity(fs_);
    check_ext4(ext2fs_allocate_tables(fs_), file + ": group tables");
    // The file came as one hole: the inode tables are zero already, no kernel needs to do it later.
    for (dgrp_t group = 0; group < fs_->group_desc_count; group++) {
      ext2fs_bg_flags_set(fs_, group, EXT2_BG_INODE_ZEROED);
      ext2fs_group_desc_csum_set(fs_, group);
    }
    mark_reserved_inodes(fs_);
    check_ext4(ext2fs_create_resize_inode(fs_), file + ": resize inode");
    blk_t journal_blocks = ext2fs_default_journal_size(ext2fs_blocks_count(fs_->super));
    int flags = EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK;
    check_ext4(ext2fs_add_journal_inode2(fs_, journal_blocks, ~blk64_t{0}, flags), file + ": journal");
  } catch (...) {
    ext2fs_free(fs_);
    throw;
  }
}

Ext4Filesystem::~Ext4Filesystem() {
  if (fs_ != nullptr) ext2fs_free(fs_);
}

void Ext4Filesystem::close() {
  ext2_filsys fs = fs_;
  std::string file = fs->device_name;
  check_ext4(ext2fs_close2(fs, 0), file);
  fs_ = nullptr;
}

}  // namespace lodge
