// Extent trees: nodes of sorted, disjoint entries. A node is checked whole (checksum, order, ranges) when it
// is first met, which its buffer remembers; the search then trusts its inside. What a node says about blocks
// outside the range that its parent gave it is cut off, so that one logical block has one meaning whatever
// the tree looks like.
#include <algorithm>

#include "vfs/ext4/block_map.h"
#include "vfs/ext4/volume.h"

namespace lodge::ext4 {
namespace {

constexpr size_t kEntrySize = sizeof(ExtentDisk);

struct Range {  // of logical blocks
  uint64_t begin, end;
};

const ExtentHeader& header_of(const uint8_t* node) {
  return *reinterpret_cast<const ExtentHeader*>(node);
}
template <typename Entry>
std::span<const Entry> entries_of(const uint8_t* node) {
  return {reinterpret_cast<const Entry*>(node + sizeof(ExtentHeader)), header_of(node).entries};
}

BlockNo start_of(const ExtentDisk& e) {
  return join(e.start_lo, e.start_hi);
}
BlockNo child_of(const ExtentIndexDisk& e) {
  return join(e.leaf_lo, e.leaf_hi);
}
bool is_unwritten(const ExtentDisk& e) {
  return e.length > kExtentMaxInitLength;
}
uint32_t length_of(const ExtentDisk& e) {
  return is_unwritten(e) ? e.length - kExtentMaxInitLength : e.length;
}

bool entries_sane(const Geometry& geo, const uint8_t* node) {
  uint64_t next = 0;
  if (header_of(node).depth == 0) {
    for (const ExtentDisk& e : entries_of<ExtentDisk>(node)) {
      if (e.block < next || e.length == 0 || !geo.valid_blocks(start_of(e), length_of(e))) return false;
      next = uint64_t{e.block} + length_of(e);
    }
    return next <= kMaxFileBlocks;
  }
  for (const ExtentIndexDisk& e : entries_of<ExtentIndexDisk>(node)) {
    if (e.block < next || !geo.valid_blocks(child_of(e), 1)) return false;
    next = uint64_t{e.block} + 1;
  }
  return header_of(node).entries > 0;
}

bool node_sane(const Geometry& geo, const uint8_t* node, size_t size) {
  const ExtentHeader& h = header_of(node);
  return h.magic == kExtentMagic && h.depth <= kExtentMaxDepth && h.entries <= h.max &&
         h.max <= (size - sizeof(ExtentHeader)) / kEntrySize && entries_sane(geo, node);
}

bool checksum_ok(const Geometry& geo, InodeId id, const uint8_t* node) {
  if (!geo.has_checksums()) return true;
  size_t tail = sizeof(ExtentHeader) + header_of(node).max * kEntrySize;
  uint32_t stored;
  if (tail + sizeof stored > kBlockSize) return false;
  __builtin_memcpy(&stored, node + tail, sizeof stored);
  return crc32c(id.seed, node, tail) == stored;
}

Result<BufferRef> read_node(Volume& volume, InodeId id, BlockNo block) {
  BufferRef buffer = TRY(volume.buffers().get(block));
  BufferCheck check{BufferKind::kExtentNode, id.seed};
  if (!buffer.checked_as(check)) {
    const Geometry& geo = volume.geometry();
    if (!checksum_ok(geo, id, buffer.data()) || !node_sane(geo, buffer.data(), kBlockSize))
      return Errno::EUCLEAN;
    buffer.set_checked_as(check);
  }
  return buffer;
}

// The last entry that begins at or before `at`; entries.size() if none does.
template <typename Entry>
size_t last_at_or_before(std::span<const Entry> entries, LogicalBlock at) {
  auto after = std::upper_bound(entries.begin(), entries.end(), at,
                                [](LogicalBlock a, const Entry& e) { return a < e.block; });
  return after == entries.begin() ? entries.size() : static_cast<size_t>(after - entries.begin()) - 1;
}

Run make_run(LogicalBlock at, uint64_t end, BlockNo physical) {
  return {at, static_cast<uint32_t>(std::min<uint64_t>(end - at, UINT32_MAX)), physical};
}

Run find_in_leaf(const uint8_t* node, Range range, LogicalBlock at) {
  auto entries = entries_of<ExtentDisk>(node);
  size_t i = last_at_or_before(entries, at);
  size_t next = i == entries.size() ? 0 : i + 1;
  uint64_t limit = next < entries.size() ? std::min<uint64_t>(entries[next].block, range.end) : range.end;
  if (i < entries.size()) {
    const ExtentDisk& e = entries[i];
    uint64_t end = uint64_t{e.block} + length_of(e);
    if (at < end)
      return make_run(at, std::min(end, range.end), is_unwritten(e) ? 0 : start_of(e) + (at - e.block));
  }
  return make_run(at, limit, 0);
}

}  // namespace

bool extent_root_sane(const Geometry& geo, MapRoot root) {
  return node_sane(geo, root.data(), root.size());
}

Result<Run> find_extent(Volume& volume, MapRoot root, InodeId id, LogicalBlock at) {
  const uint8_t* node = root.data();
  Range range{0, kMaxFileBlocks};
  BufferRef held;
  for (unsigned depth = header_of(node).depth; depth > 0; depth--) {
    auto entries = entries_of<ExtentIndexDisk>(node);
    size_t i = last_at_or_before(entries, at);
    if (i == entries.size()) return make_run(at, std::min<uint64_t>(entries[0].block, range.end), 0);
    range.begin = std::max<uint64_t>(range.begin, entries[i].block);
    if (i + 1 < entries.size()) range.end = std::min<uint64_t>(range.end, entries[i + 1].block);
    held = TRY(read_node(volume, id, child_of(entries[i])));
    node = held.data();
    if (header_of(node).depth != depth - 1) return Errno::EUCLEAN;
  }
  return find_in_leaf(node, range, at);
}

}  // namespace lodge::ext4
