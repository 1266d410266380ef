// What the host can map of a regular file: its blocks in the image, in runs. What user space may see of the
// last page behind the end of file is zeros (mmap(2)); Linux clears that when it reads the page, here the
// image is mapped as it is, so the bytes are looked at once, and a page that has others there is mapped as a
// copy.
#include <algorithm>
#include <cstring>

#include "kernel/sched/host_read.h"
#include "vfs/ext4/inode.h"
#include "vfs/ext4/page_copy.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {

static_assert(kBlockSize == kPageSize);

Result<MapExtent> Ext4Inode::map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) {
  if (!is_regular()) return Inode::map_extent(offset, max_length, intent);
  if (intent == MapIntent::kSharedWrite) return Errno::EROFS;
  if (offset >= attr_.size) return Errno::ENXIO;
  const Device& device = volume().device();
  auto extent_at = [&](Place p, uint64_t blocks) {
    uint64_t length = std::min(blocks << kBlockShift, std::max<uint64_t>(max_length, kPageSize));
    if (p.is_zeros()) return MapExtent{.zero = true, .length = length};
    return MapExtent{.file = device.file_of(p), .host_offset = p.byte_offset(), .length = length};
  };
  if (has_inline_data()) return extent_at(TRY(mappable_inline_data()), 1);

  uint64_t at = offset >> kBlockShift;
  FileMap::Stretch s = TRY(map_.find(map_source(), static_cast<LogicalBlock>(at)));
  uint64_t last = (attr_.size - 1) >> kBlockShift;
  bool has_tail = attr_.size % kBlockSize != 0 && !s.place.is_zeros() && at + s.blocks > last;
  if (!has_tail || (max_length >> kBlockShift) <= last - at) return extent_at(s.place, s.blocks);

  Place there = s.place.plus(last - at);
  Place tail = TRY(mappable_last_block(there));
  if (tail == there) return extent_at(s.place, s.blocks);
  return at == last ? extent_at(tail, 1) : extent_at(s.place, last - at);
}

// `there` itself if its bytes behind the end of file are zeros, else the place of a copy that has zeros
// there.
Result<Place> Ext4Inode::mappable_last_block(Place there) {
  if (Place known = last_page_.load(std::memory_order_acquire); !known.is_zeros()) return known;
  alignas(8) uint8_t block[kBlockSize];
  size_t used = attr_.size % kBlockSize;
  auto r = read_host_file(volume().device().file_of(there), block, sizeof block, there.byte_offset());
  if (!r.ok() || *r != sizeof block) return Errno::EIO;
  bool clean = std::all_of(block + used, block + sizeof block, [](uint8_t b) { return b == 0; });
  if (!clean) return remember_last_page_copy({block, used});
  last_page_.store(there, std::memory_order_release);
  return there;
}

Result<Place> Ext4Inode::mappable_inline_data() {
  if (Place known = last_page_.load(std::memory_order_acquire); !known.is_zeros()) return known;
  return remember_last_page_copy({inline_data_, attr_.size});
}

// Two may do this at once; one copy stays.
Result<Place> Ext4Inode::remember_last_page_copy(std::span<const uint8_t> bytes) {
  Place copy = TRY(make_page_copy(bytes));
  Place known = Place::zeros();
  if (last_page_.compare_exchange_strong(known, copy, std::memory_order_acq_rel)) {
    owns_last_page_ = true;
    return copy;
  }
  free_page_copy(copy);
  return known;
}

}  // namespace lodge::ext4
