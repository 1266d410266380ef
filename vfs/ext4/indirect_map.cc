// The block map of ext2 and ext3: twelve pointers in the inode, then one block of pointers, one of pointers
// to such blocks, and one of a third level. A zero pointer is a hole, at any level. There are no checksums
// here.
#include <algorithm>

#include "vfs/ext4/block_map.h"
#include "vfs/ext4/volume.h"

namespace lodge::ext4 {
namespace {

constexpr unsigned kDirect = 12;
constexpr unsigned kPointersShift = kBlockShift - 2;
constexpr uint64_t kPointers = 1ull << kPointersShift;

uint32_t pointer_at(const uint8_t* pointers, uint64_t index) {
  uint32_t p;
  __builtin_memcpy(&p, pointers + index * sizeof p, sizeof p);
  return p;
}

// Pointers to data: those that follow `index` without a break belong to the same run.
Result<Run> run_in(const Geometry& geo, const uint8_t* pointers, uint64_t index, uint64_t count,
                   LogicalBlock at) {
  uint32_t first = pointer_at(pointers, index);
  uint32_t length = 1;
  while (index + length < count && pointer_at(pointers, index + length) == (first == 0 ? 0 : first + length))
    length++;
  if (first != 0 && !geo.valid_blocks(first, length)) return Errno::EUCLEAN;
  return Run{at, length, first};
}

}  // namespace

Result<Run> find_indirect(Volume& volume, MapRoot root, LogicalBlock at) {
  const Geometry& geo = volume.geometry();
  if (at < kDirect) return run_in(geo, root.data(), at, kDirect, at);

  // How deep the tree is that `at` lies in, and where in it.
  uint64_t index = at - kDirect;
  unsigned depth = 1;
  while (depth <= 3 && index >= 1ull << (kPointersShift * depth)) index -= 1ull << (kPointersShift * depth++);
  if (depth > 3) return Errno::EUCLEAN;

  uint32_t pointer = pointer_at(root.data(), kDirect + depth - 1);
  BufferRef held;
  for (;; depth--) {
    uint64_t span = 1ull << (kPointersShift * depth);  // blocks below `pointer`
    uint64_t within = index & (span - 1);
    if (pointer == 0) return Run{at, static_cast<uint32_t>(span - within), 0};
    if (!geo.valid_blocks(pointer, 1)) return Errno::EUCLEAN;
    held = TRY(volume.buffers().get(pointer));
    uint64_t slot = within >> (kPointersShift * (depth - 1));
    if (depth == 1) return run_in(geo, held.data(), slot, kPointers, at);
    pointer = pointer_at(held.data(), slot);
  }
}

}  // namespace lodge::ext4
