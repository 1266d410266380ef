#include "vfs/ext4/superblock_check.h"

#include <bit>
#include <cstring>

#include "kernel/base/crc32c.h"
#include "vfs/ext4/features.h"

namespace lodge::ext4 {
namespace {

constexpr uint32_t kMaxBlocksPerGroup = kBlockSize * 8;  // one bitmap block

Result<void> check_identity(const SuperblockDisk& sb, MountError& error) {
  if (sb.magic != kSuperMagic) return error.refuse(Errno::EINVAL, "not an ext4 file system");
  if (sb.rev_level > 1)
    return error.refuse(Errno::EOPNOTSUPP, "ext4 revision {} is not supported", sb.rev_level);
  if (sb.rev_level == 0) return error.refuse(Errno::EOPNOTSUPP, "ext2 revision 0 is not supported");
  if (sb.feature_ro_compat & kRoMetadataCsum) {
    if (sb.checksum_type != kChecksumCrc32c)
      return error.refuse(Errno::EOPNOTSUPP, "unknown checksum type {}", sb.checksum_type);
    if (crc32c(~0u, &sb, offsetof(SuperblockDisk, checksum)) != sb.checksum)
      return error.refuse(Errno::EUCLEAN, "the superblock's checksum is wrong");
  }
  return check_features(sb, error);
}

Result<void> check_sizes(const SuperblockDisk& sb, MountError& error) {
  if (sb.log_block_size > 6) return error.refuse(Errno::EUCLEAN, "the superblock's block size is invalid");
  if (sb.log_block_size != kBlockShift - 10)
    return error.refuse(Errno::EOPNOTSUPP, "the image has blocks of {} bytes, only 4096 are supported",
                        1024u << sb.log_block_size);
  bool wide = sb.feature_incompat & kIncompat64Bit;
  if (wide &&
      (sb.desc_size < sizeof(GroupDescDisk) || sb.desc_size > 1024 || !std::has_single_bit(sb.desc_size)))
    return error.refuse(Errno::EUCLEAN, "invalid group descriptor size {}", sb.desc_size);
  if (sb.inode_size < kGoodOldInodeSize || sb.inode_size > kBlockSize || !std::has_single_bit(sb.inode_size))
    return error.refuse(Errno::EUCLEAN, "invalid inode size {}", sb.inode_size);
  if (sb.blocks_per_group == 0 || sb.blocks_per_group > kMaxBlocksPerGroup || sb.blocks_per_group % 8 != 0)
    return error.refuse(Errno::EUCLEAN, "invalid number of blocks per group {}", sb.blocks_per_group);
  if (sb.inodes_per_group < kBlockSize / sb.inode_size || sb.inodes_per_group > kMaxBlocksPerGroup)
    return error.refuse(Errno::EUCLEAN, "invalid number of inodes per group {}", sb.inodes_per_group);
  if (sb.first_data_block != 0)
    return error.refuse(Errno::EUCLEAN, "invalid first data block {}", sb.first_data_block);
  if (sb.first_ino < 11 || sb.first_ino > sb.inodes_per_group)
    return error.refuse(Errno::EUCLEAN, "invalid first inode {}", sb.first_ino);
  return {};
}

}  // namespace

Result<Geometry> check_superblock(const SuperblockDisk& sb, uint64_t image_bytes, MountError& error) {
  TRY(check_identity(sb, error));
  TRY(check_sizes(sb, error));

  Geometry geo;
  geo.compat = sb.feature_compat;
  geo.incompat = sb.feature_incompat;
  geo.ro_compat = sb.feature_ro_compat;
  uint64_t limit = geo.is_64bit() ? uint64_t{1} << 48 : uint64_t{1} << 32;
  geo.blocks = join(sb.blocks_count_lo, geo.is_64bit() ? sb.blocks_count_hi : 0);
  geo.reserved_blocks = join(sb.r_blocks_count_lo, geo.is_64bit() ? sb.r_blocks_count_hi : 0);
  geo.overhead_blocks = sb.overhead_clusters;
  if (geo.blocks < 2 || geo.blocks > limit || geo.reserved_blocks > geo.blocks)
    return error.refuse(Errno::EUCLEAN, "the superblock's block counts are invalid");
  if (geo.blocks > image_bytes >> kBlockShift)
    return error.refuse(Errno::EUCLEAN, "the image file is too short: {} of {} blocks",
                        image_bytes >> kBlockShift, geo.blocks);

  geo.blocks_per_group = sb.blocks_per_group;
  geo.inodes_per_group = sb.inodes_per_group;
  uint64_t groups = (geo.blocks + geo.blocks_per_group - 1) / geo.blocks_per_group;
  if (groups * geo.inodes_per_group != sb.inodes_count)
    return error.refuse(Errno::EUCLEAN, "the superblock's inode count is invalid");
  geo.groups = static_cast<uint32_t>(groups);
  geo.inodes = sb.inodes_count;
  geo.first_ino = sb.first_ino;
  geo.inode_size = sb.inode_size;
  geo.desc_size = geo.is_64bit() ? sb.desc_size : kOldGroupDescSize;
  geo.first_meta_bg = geo.incompat & kIncompatMetaBg ? sb.first_meta_bg : UINT32_MAX;
  std::memcpy(geo.backup_groups, sb.backup_bgs, sizeof geo.backup_groups);
  geo.journal_ino = geo.compat & kCompatHasJournal ? sb.journal_inum : 0;

  std::memcpy(geo.uuid, sb.uuid, sizeof geo.uuid);
  std::memcpy(geo.hash_seed, sb.hash_seed, sizeof geo.hash_seed);
  // Neither flag set means an old mkfs on x86, where char is signed.
  geo.hash_unsigned = sb.flags & kSuperUnsignedHash;
  geo.checksum_seed =
      geo.incompat & kIncompatCsumSeed ? sb.checksum_seed : crc32c(~0u, sb.uuid, sizeof sb.uuid);
  return geo;
}

bool Geometry::group_has_super(uint32_t group) const {
  if (group == 0) return true;
  if (compat & kCompatSparseSuper2) return group == backup_groups[0] || group == backup_groups[1];
  if (!(ro_compat & kRoSparseSuper)) return true;
  for (uint32_t base : {3u, 5u, 7u}) {
    uint64_t power = 1;
    while (power < group) power *= base;
    if (power == group) return true;
  }
  return false;
}

BlockNo Geometry::desc_block(uint32_t n) const {
  if (n < first_meta_bg) return 1 + uint64_t{n};
  uint32_t group = n * descs_per_block();
  return uint64_t{group} * blocks_per_group + (group_has_super(group) ? 1 : 0);
}

}  // namespace lodge::ext4
