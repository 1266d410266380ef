// See ext4_data.h.
#include "userland/lodge/image/ext4_data.h"

#include <algorithm>
#include <cstring>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/ext4_format.h"

namespace lodge {

namespace {

constexpr size_t kBufferBytes = 1 << 20;
constexpr uint64_t kMaxExtentBlocks = 32768;
constexpr uint64_t kMaxFileBlocks = 0xffffffff;

}  // namespace

Ext4Data::Ext4Data(ext2_filsys fs) : fs_(fs), buffer_(kBufferBytes) {}

void Ext4Data::start(ext2_ino_t ino, ext2_inode_large* inode, const std::string& shown) {
  ino_ = ino;
  inode_ = inode;
  shown_ = shown;
  extents_.clear();
  run_start_ = 0;
  run_bytes_ = 0;
}

void Ext4Data::write(uint64_t offset, std::span<const std::byte> bytes) {
  if (offset + bytes.size() > kMaxFileBlocks * kImageBlockBytes)
    throw Failure(shown_ + ": too long for ext4");
  while (!bytes.empty()) {
    uint64_t block_start = offset - offset % kImageBlockBytes;
    uint64_t run_end = run_start_ + run_bytes_;
    // A new run starts where a block or more lies between; a smaller gap is zeros of the block.
    bool follows = run_bytes_ != 0 && block_start <= run_end && offset < run_start_ + buffer_.size();
    if (!follows) {
      flush();
      run_start_ = block_start;
      run_end = block_start;
    }
    std::byte* at = buffer_.data() + (offset - run_start_);
    std::fill(buffer_.data() + (run_end - run_start_), at, std::byte{0});
    size_t count = std::min(bytes.size(), buffer_.size() - static_cast<size_t>(offset - run_start_));
    memcpy(at, bytes.data(), count);
    run_bytes_ = offset - run_start_ + count;
    offset += count;
    bytes = bytes.subspan(count);
  }
}

void Ext4Data::flush() {
  if (run_bytes_ == 0) return;
  blk64_t blocks = (run_bytes_ + kImageBlockBytes - 1) / kImageBlockBytes;
  std::fill(buffer_.data() + run_bytes_, buffer_.data() + blocks * kImageBlockBytes, std::byte{0});
  const std::byte* from = buffer_.data();
  blk64_t logical = run_start_ / kImageBlockBytes;
  while (blocks > 0) {
    blk64_t physical, count;
    check_ext4(ext2fs_new_range(fs_, 0, goal_, blocks, nullptr, &physical, &count), shown_);
    count = std::min(count, blocks);
    ext2fs_block_alloc_stats_range(fs_, physical, count, +1);
    check_ext4(io_channel_write_blk64(fs_->io, physical, count, from), shown_);
    append_extent(logical, physical, count);
    goal_ = physical + count;
    logical += count;
    from += count * kImageBlockBytes;
    blocks -= count;
  }
  run_bytes_ = 0;
}

void Ext4Data::append_extent(blk64_t logical, blk64_t physical, blk64_t count) {
  check_ext4(ext2fs_iblk_add_blocks(fs_, reinterpret_cast<ext2_inode*>(inode_), count), shown_);
  if (!extents_.empty()) {
    ext2fs_extent& last = extents_.back();
    bool follows = last.e_lblk + last.e_len == logical && last.e_pblk + last.e_len == physical;
    if (follows && last.e_len + count <= kMaxExtentBlocks) {
      last.e_len += count;
      return;
    }
  }
  ext2fs_extent extent{};
  extent.e_lblk = logical;
  extent.e_pblk = physical;
  extent.e_len = count;
  extents_.push_back(extent);
}

void Ext4Data::finish() {
  flush();
  ext2_extent_handle_t handle;
  check_ext4(ext2fs_extent_open2(fs_, ino_, reinterpret_cast<ext2_inode*>(inode_), &handle), shown_);
  errcode_t error = 0;
  for (ext2fs_extent& extent : extents_) {
    error = ext2fs_extent_insert(handle, EXT2_EXTENT_INSERT_AFTER, &extent);
    if (error == 0) error = ext2fs_extent_fix_parents(handle);
    if (error != 0) break;
  }
  ext2fs_extent_free(handle);
  check_ext4(error, shown_ + ": extents");
}

}  // namespace lodge
