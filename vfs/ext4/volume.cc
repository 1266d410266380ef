#include "vfs/ext4/volume.h"

#include <algorithm>
#include <cstring>

#include "vfs/ext4/journal_replay.h"
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

// The journal's own inode is read by what the descriptors and tables on disk say, unchecked: they may be
// among what the journal holds newer copies of. Afterwards everything is read anew.
Result<void> Volume::replay_journal(MountError& error) {
  uint32_t ino = geo_.journal_ino;
  if (!(geo_.compat & kCompatHasJournal) || ino == 0)
    return error.refuse(Errno::EOPNOTSUPP, "the image needs a journal replayed that is not in it");
  uint32_t group = (ino - 1) / geo_.inodes_per_group;
  BlockNo desc_block = geo_.desc_block(group / geo_.descs_per_block());
  if (ino > geo_.inodes || !geo_.valid_blocks(desc_block, 1))
    return error.refuse(Errno::EUCLEAN, "the journal's inode lies outside the image");
  BlockNo table;
  {
    BufferRef descs = TRY(buffers_.get(desc_block));
    GroupDescDisk d{};
    std::memcpy(&d, descs.data() + group % geo_.descs_per_block() * geo_.desc_size,
                std::min<size_t>(geo_.desc_size, sizeof d));
    table = join(d.inode_table_lo, d.inode_table_hi);
  }
  if (!geo_.valid_blocks(table, geo_.inode_table_blocks()))
    return error.refuse(Errno::EUCLEAN, "the journal's inode lies outside the image");
  {
    auto inode = inode_in_table(table, ino);
    if (!inode.ok()) return error.refuse(inode.error(), "the journal's inode is damaged");
    device_.set_moved(TRY(JournalReplay(*this, *inode, error).run()));
  }
  buffers_.drop_all();
  return read_superblock(error);
}

}  // namespace lodge::ext4
