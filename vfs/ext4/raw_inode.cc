#include "vfs/ext4/raw_inode.h"

#include <algorithm>

#include "kernel/base/crc32c.h"

namespace lodge::ext4 {

RawInode::RawInode(BufferRef buffer, std::span<const uint8_t> bytes, uint32_t fs_seed, uint32_t ino)
    : buffer_(std::move(buffer)), bytes_(bytes) {
  size_t end = kGoodOldInodeSize;
  if (bytes.size() > kGoodOldInodeSize) {
    uint16_t extra;
    std::memcpy(&extra, &bytes[kGoodOldInodeSize], sizeof extra);
    end += extra;
  }
  extra_end_ = std::min(end, bytes.size());
  std::memcpy(&disk_, bytes.data(), std::min(extra_end_, sizeof disk_));
  // extra_isize itself is there whenever the inode is large enough, even if it says 0.
  if (bytes.size() > kGoodOldInodeSize) disk_.extra_isize = static_cast<uint16_t>(end - kGoodOldInodeSize);
  id_ = InodeId::make(fs_seed, ino, disk_.generation);
}

bool RawInode::checksum_ok() const {
  constexpr size_t kLow = offsetof(InodeDisk, checksum_lo), kHigh = offsetof(InodeDisk, checksum_hi);
  constexpr uint16_t kZero = 0;
  bool has_high = extra_end_ >= kHigh + sizeof(uint16_t);
  const uint8_t* p = bytes_.data();
  uint32_t crc = crc32c(id_.seed, p, kLow);
  crc = crc32c_value(crc, kZero);
  size_t from = kLow + sizeof kZero;
  if (has_high) {
    crc = crc32c(crc, p + from, kHigh - from);
    crc = crc32c_value(crc, kZero);
    from = kHigh + sizeof kZero;
  }
  crc = crc32c(crc, p + from, bytes_.size() - from);
  return has_high ? crc == (disk_.checksum_lo | static_cast<uint32_t>(disk_.checksum_hi) << 16)
                  : static_cast<uint16_t>(crc) == disk_.checksum_lo;
}

}  // namespace lodge::ext4
