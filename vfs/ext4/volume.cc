#include "vfs/ext4/volume.h"

#include <algorithm>
#include <cstring>

#include "vfs/ext4/superblock_check.h"

namespace lodge::ext4 {

Result<void> Volume::open(size_t max_buffers, MountError& error) {
  if (image_bytes_ < 2 * kBlockSize)
    return error.refuse(Errno::EINVAL, "the image file is too short to be an ext4");
  TRY(buffers_.init(max_buffers));
  TRY(read_superblock(error));
  if (geo_.incompat & kIncompatRecover) TRY(replay_journal(error));
  return groups_.load(geo_, buffers_, error);
}

Result<void> Volume::read_superblock(MountError& error) {
  SuperblockDisk sb;
  auto block = buffers_.get(kSuperblockOffset >> kBlockShift);
  if (!block.ok()) return error.refuse(block.error(), "the image cannot be read");
  std::memcpy(&sb, block->data() + kSuperblockOffset % kBlockSize, sizeof sb);
  geo_ = TRY(check_superblock(sb, image_bytes_, error));
  return {};
}

Result<RawInode> Volume::inode_in_table(BlockNo table, uint32_t ino) {
  uint64_t offset = uint64_t{(ino - 1) % geo_.inodes_per_group} * geo_.inode_size;
  BufferRef block = TRY(buffers_.get(table + (offset >> kBlockShift)));
  std::span<const uint8_t> bytes(block.data() + offset % kBlockSize, geo_.inode_size);
  RawInode inode(std::move(block), bytes, geo_.checksum_seed, ino);
  if (geo_.has_checksums() && !inode.checksum_ok()) return Errno::EUCLEAN;
  return inode;
}

Result<RawInode> Volume::read_inode(uint32_t ino) {
  if (ino == 0 || ino > geo_.inodes) return Errno::EUCLEAN;
  return inode_in_table(groups_.inode_table((ino - 1) / geo_.inodes_per_group), ino);
}

Result<void> Volume::replay_journal(MountError& error) {
  return error.refuse(Errno::EOPNOTSUPP, "the journal has to be replayed first");
}

}  // namespace lodge::ext4
