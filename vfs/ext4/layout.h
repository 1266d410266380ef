// ext4's on-disk structures, little-endian as x86 is. Source: "ext4 Data Structures and Algorithms" in the
// Linux kernel's documentation (Documentation/filesystems/ext4/). Plain data: nothing here checks anything,
// every value comes from the disk and is to be distrusted. jbd2's structures are in journal_layout.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge::ext4 {

using BlockNo = uint64_t;       // of the file system, in units of kBlockSize
using LogicalBlock = uint32_t;  // of a file

constexpr unsigned kBlockShift = 12;
constexpr size_t kBlockSize = size_t{1} << kBlockShift;  // the only block size that is mounted
constexpr uint64_t kSuperblockOffset = 1024;
constexpr uint16_t kSuperMagic = 0xef53;
constexpr uint32_t kRootIno = 2;
constexpr size_t kGoodOldInodeSize = 128;

enum Compat : uint32_t {
  kCompatDirPrealloc = 0x1,
  kCompatImagicInodes = 0x2,
  kCompatHasJournal = 0x4,
  kCompatExtAttr = 0x8,
  kCompatResizeInode = 0x10,
  kCompatDirIndex = 0x20,
  kCompatSparseSuper2 = 0x200,
  kCompatFastCommit = 0x400,
  kCompatStableInodes = 0x800,
  kCompatOrphanFile = 0x1000,
};
enum Incompat : uint32_t {
  kIncompatCompression = 0x1,
  kIncompatFiletype = 0x2,
  kIncompatRecover = 0x4,
  kIncompatJournalDev = 0x8,
  kIncompatMetaBg = 0x10,
  kIncompatExtents = 0x40,
  kIncompat64Bit = 0x80,
  kIncompatMmp = 0x100,
  kIncompatFlexBg = 0x200,
  kIncompatEaInode = 0x400,
  kIncompatDirdata = 0x1000,
  kIncompatCsumSeed = 0x2000,
  kIncompatLargedir = 0x4000,
  kIncompatInlineData = 0x8000,
  kIncompatEncrypt = 0x10000,
  kIncompatCasefold = 0x20000,
};
enum RoCompat : uint32_t {
  kRoSparseSuper = 0x1,
  kRoLargeFile = 0x2,
  kRoBtreeDir = 0x4,
  kRoHugeFile = 0x8,
  kRoGdtCsum = 0x10,
  kRoDirNlink = 0x20,
  kRoExtraIsize = 0x40,
  kRoHasSnapshot = 0x80,
  kRoQuota = 0x100,
  kRoBigalloc = 0x200,
  kRoMetadataCsum = 0x400,
  kRoReplica = 0x800,
  kRoReadonly = 0x1000,
  kRoProject = 0x2000,
  kRoSharedBlocks = 0x4000,
  kRoVerity = 0x8000,
  kRoOrphanPresent = 0x10000,
};

constexpr uint32_t kSuperSignedHash = 1, kSuperUnsignedHash = 2;  // s_flags
constexpr uint8_t kChecksumCrc32c = 1;                            // s_checksum_type

struct SuperblockDisk {
  uint32_t inodes_count, blocks_count_lo, r_blocks_count_lo, free_blocks_count_lo;
  uint32_t free_inodes_count, first_data_block, log_block_size, log_cluster_size;
  uint32_t blocks_per_group, clusters_per_group, inodes_per_group, mtime;
  uint32_t wtime;
  uint16_t mnt_count, max_mnt_count, magic, state, errors, minor_rev_level;
  uint32_t lastcheck, checkinterval, creator_os, rev_level;
  uint16_t def_resuid, def_resgid;
  // From here on: rev_level >= 1.
  uint32_t first_ino;
  uint16_t inode_size, block_group_nr;
  uint32_t feature_compat, feature_incompat, feature_ro_compat;
  uint8_t uuid[16];
  char volume_name[16], last_mounted[64];
  uint32_t algorithm_usage_bitmap;
  uint8_t prealloc_blocks, prealloc_dir_blocks;
  uint16_t reserved_gdt_blocks;
  uint8_t journal_uuid[16];
  uint32_t journal_inum, journal_dev, last_orphan;
  uint32_t hash_seed[4];
  uint8_t def_hash_version, jnl_backup_type;
  uint16_t desc_size;
  uint32_t default_mount_opts, first_meta_bg, mkfs_time, jnl_blocks[17];
  uint32_t blocks_count_hi, r_blocks_count_hi, free_blocks_count_hi;
  uint16_t min_extra_isize, want_extra_isize;
  uint32_t flags;
  uint16_t raid_stride, mmp_interval;
  uint64_t mmp_block;
  uint32_t raid_stripe_width;
  uint8_t log_groups_per_flex, checksum_type;
  uint16_t reserved_pad;
  uint64_t kbytes_written;
  uint32_t snapshot_inum, snapshot_id;
  uint64_t snapshot_r_blocks_count;
  uint32_t snapshot_list, error_count, first_error_time, first_error_ino;
  uint64_t first_error_block;
  char first_error_func[32];
  uint32_t first_error_line, last_error_time, last_error_ino, last_error_line;
  uint64_t last_error_block;
  char last_error_func[32], mount_opts[64];
  uint32_t usr_quota_inum, grp_quota_inum, overhead_clusters, backup_bgs[2];
  uint8_t encrypt_algos[4], encrypt_pw_salt[16];
  uint32_t lpf_ino, prj_quota_inum, checksum_seed;
  uint8_t time_hi[6], error_codes[2];
  uint16_t encoding, encoding_flags;
  uint32_t orphan_file_inum, reserved[94];
  uint32_t checksum;  // crc32c(~0) of everything before
};
static_assert(sizeof(SuperblockDisk) == 1024);
static_assert(offsetof(SuperblockDisk, magic) == 0x38 && offsetof(SuperblockDisk, first_ino) == 0x54);
static_assert(offsetof(SuperblockDisk, feature_incompat) == 0x60 &&
              offsetof(SuperblockDisk, desc_size) == 0xfe);
static_assert(offsetof(SuperblockDisk, journal_inum) == 0xe0 && offsetof(SuperblockDisk, hash_seed) == 0xec);
static_assert(offsetof(SuperblockDisk, blocks_count_hi) == 0x150 && offsetof(SuperblockDisk, flags) == 0x160);
static_assert(offsetof(SuperblockDisk, checksum_type) == 0x175 &&
              offsetof(SuperblockDisk, mount_opts) == 0x200);
static_assert(offsetof(SuperblockDisk, checksum_seed) == 0x270 &&
              offsetof(SuperblockDisk, checksum) == 0x3fc);

enum GroupFlags : uint16_t { kGroupInodeUninit = 1, kGroupBlockUninit = 2, kGroupInodeZeroed = 4 };

struct GroupDescDisk {
  uint32_t block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
  uint16_t free_blocks_lo, free_inodes_lo, used_dirs_lo, flags;
  uint32_t exclude_bitmap_lo;
  uint16_t block_bitmap_csum_lo, inode_bitmap_csum_lo, itable_unused_lo, checksum;
  // From here on: s_desc_size >= 64.
  uint32_t block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
  uint16_t free_blocks_hi, free_inodes_hi, used_dirs_hi, itable_unused_hi;
  uint32_t exclude_bitmap_hi;
  uint16_t block_bitmap_csum_hi, inode_bitmap_csum_hi;
  uint32_t reserved;
};
constexpr size_t kOldGroupDescSize = 32;
static_assert(sizeof(GroupDescDisk) == 64 && offsetof(GroupDescDisk, checksum) == 0x1e);

enum InodeFlags : uint32_t {
  kInodeCompressed = 0x4,
  kInodeImmutable = 0x10,
  kInodeAppend = 0x20,
  kInodeNodump = 0x40,
  kInodeEncrypt = 0x800,
  kInodeIndex = 0x1000,
  kInodeHugeFile = 0x40000,
  kInodeExtents = 0x80000,
  kInodeVerity = 0x100000,
  kInodeEaInode = 0x200000,
  kInodeInlineData = 0x10000000,
  kInodeCasefold = 0x40000000,
};
constexpr size_t kInodeBlockBytes = 60;

struct InodeDisk {
  uint16_t mode, uid_lo;
  uint32_t size_lo, atime, ctime, mtime, dtime;
  uint16_t gid_lo, links_count;
  uint32_t blocks_lo, flags, version;
  uint8_t block[kInodeBlockBytes];  // extent root, block pointers, link target, device number or inline data
  uint32_t generation, file_acl_lo, size_hi, obsolete_faddr;
  uint16_t blocks_hi, file_acl_hi, uid_hi, gid_hi, checksum_lo, reserved;
  // From here on: where the inode size and extra_isize reach.
  uint16_t extra_isize, checksum_hi;
  uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_hi, projid;
};
static_assert(sizeof(InodeDisk) == 160 && offsetof(InodeDisk, block) == 0x28);
static_assert(offsetof(InodeDisk, checksum_lo) == 0x7c && offsetof(InodeDisk, extra_isize) == 0x80);

constexpr uint16_t kExtentMagic = 0xf30a;
constexpr uint16_t kExtentMaxInitLength =
    32768;  // a longer ee_len marks an unwritten extent of ee_len - 32768
constexpr int kExtentMaxDepth = 5;

struct ExtentHeader {
  uint16_t magic, entries, max, depth;
  uint32_t generation;
};
struct ExtentDisk {
  uint32_t block;
  uint16_t length, start_hi;
  uint32_t start_lo;
};
struct ExtentIndexDisk {
  uint32_t block, leaf_lo;
  uint16_t leaf_hi, unused;
};
static_assert(sizeof(ExtentHeader) == 12 && sizeof(ExtentDisk) == 12 && sizeof(ExtentIndexDisk) == 12);

struct DirEntryDisk {
  uint32_t inode;
  uint16_t rec_len;
  uint8_t name_len;  // a 16-bit length without kIncompatFiletype
  uint8_t file_type;
};
constexpr size_t kDirEntryHead = 8;
static_assert(sizeof(DirEntryDisk) == kDirEntryHead);
constexpr uint8_t kDirTailType = 0xde;

struct DirTail {  // the last 12 bytes of a checksummed block of entries, dressed as an unused entry
  uint32_t inode;
  uint16_t rec_len;
  uint8_t name_len, file_type;
  uint32_t checksum;
};
static_assert(sizeof(DirTail) == 12);

struct DxRootInfo {  // behind the two entries "." and ".."
  uint32_t reserved_zero;
  uint8_t hash_version, info_length, indirect_levels, unused_flags;
};
constexpr size_t kDxRootInfo = 24, kDxRootEntries = 32, kDxNodeEntries = 8;
struct DxCountLimit {  // the first entry's hash is implied (0); its place says how many there are
  uint16_t limit, count;
};
struct DxEntryDisk {
  uint32_t hash, block;
};
struct DxTail {
  uint32_t reserved, checksum;
};
static_assert(sizeof(DxRootInfo) == 8 && sizeof(DxEntryDisk) == 8 && sizeof(DxTail) == 8);

constexpr uint32_t kXattrMagic = 0xea020000;
struct XattrBlockHeader {
  uint32_t magic, refcount, blocks, hash, checksum, reserved[3];
};
struct XattrEntryDisk {
  uint8_t name_len, name_index;
  uint16_t value_offset;
  uint32_t value_inum, value_size, hash;
};
static_assert(sizeof(XattrBlockHeader) == 32 && sizeof(XattrEntryDisk) == 16);
enum XattrIndex : uint8_t {
  kXattrUser = 1,
  kXattrAclAccess = 2,
  kXattrAclDefault = 3,
  kXattrTrusted = 4,
  kXattrSecurity = 6,
  kXattrSystem = 7,
};

constexpr uint64_t join(uint32_t low, uint32_t high) {
  return low | static_cast<uint64_t>(high) << 32;
}

}  // namespace lodge::ext4
