// From a file's blocks to the file system's: extent trees and the older pointer blocks, behind one call.
// Reads only the map on disk, through the buffer cache; what is found is kept per inode in file_map.h.
//
// Every value is checked before it is used: what find() returns lies inside the file system, and a damaged
// map is EUCLEAN. A call takes at most kExtentMaxDepth + 1 blocks. Waits for the disk; hold no Mutex.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/result.h"
#include "vfs/ext4/geometry.h"
#include "vfs/ext4/inode_checksum.h"
#include "vfs/ext4/layout.h"

namespace lodge::ext4 {

class Volume;

// `length` blocks of a file from `logical` on, which lie at `physical` on, or read as zeros if it is 0.
struct Run {
  LogicalBlock logical = 0;
  uint32_t length = 0;
  BlockNo physical = 0;
  uint64_t end() const { return uint64_t{logical} + length; }
};
constexpr uint64_t kMaxFileBlocks = uint64_t{1} << 32;

using MapRoot = std::span<const uint8_t, kInodeBlockBytes>;

// The run that `at` lies in, from `at` on. Never empty; a hole may end before the next mapped block.
Result<Run> find_extent(Volume& volume, MapRoot root, InodeId id, LogicalBlock at);
Result<Run> find_indirect(Volume& volume, MapRoot root, LogicalBlock at);
// To be asked once, before an inode with extents is used: find_extent() trusts its root.
bool extent_root_sane(const Geometry& geometry, MapRoot root);

}  // namespace lodge::ext4
