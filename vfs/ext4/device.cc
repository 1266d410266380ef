#include "vfs/ext4/device.h"

#include <algorithm>

#include "kernel/sched/host_read.h"
#include "vfs/ext4/page_copy.h"

namespace lodge::ext4 {
namespace {

Result<void> read_exactly(host::HostFile file, uint64_t offset, void* buffer, size_t n) {
  auto r = read_host_file(file, buffer, n, offset);
  // Whatever the host says about its disk, and a file that has become shorter: to the guest it is a bad disk.
  if (!r.ok() || *r != n) return Errno::EIO;
  return {};
}

}  // namespace

Device::~Device() {
  for (const Moved& m : moved_)
    if (m.place.is_in_pages()) free_page_copy(m.place);
}

Device::Stretch Device::locate_moved(BlockNo b, uint64_t count) const {
  const Moved* next = std::lower_bound(moved_.begin(), moved_.end(), b,
                                       [](const Moved& m, BlockNo v) { return m.block < v; });
  if (next == moved_.end()) return {Place::in_image(b), count};
  if (next->block != b) return {Place::in_image(b), std::min(count, next->block - b)};
  uint64_t n = 1;
  while (n < count && next + n != moved_.end() && next[n].block == b + n &&
         next[n].place == next->place.plus(n))
    n++;
  return {next->place, n};
}

Result<void> Device::read_block(BlockNo b, void* buffer) const {
  if (b >= blocks_) return Errno::EIO;
  Place p = locate(b, 1).place;
  // Block 0 has no Place of its own, as no file can own it.
  return read_exactly(file_of(p), p.byte_offset(), buffer, kBlockSize);
}

Result<void> Device::read_raw(uint64_t offset, void* buffer, size_t n) const {
  return read_exactly(image_, offset, buffer, n);
}

}  // namespace lodge::ext4
