// Lookup in an indexed directory (htree). Block 0 holds the root of the index, where "." and ".." leave room;
// below it stand up to two further levels of nodes, and then ordinary blocks of entries, each with the names
// of one range of hashes. Names of one hash may go on in the next block, whose lower bound then says so in
// bit 0.
//
// Like Linux, an index that makes no sense is ignored and the directory searched from its beginning. A block
// whose checksum is wrong is an error.
#include <algorithm>
#include <cstring>
#include <optional>

#include "vfs/ext4/dir_hash.h"
#include "vfs/ext4/inode.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {

namespace {

constexpr uint32_t kBlockMask =
    0x0fffffff;  // the high bits of a block number were once meant for a fill count
constexpr int kMaxLevels = 3;

struct Level {
  BufferRef block;
  std::span<const DxEntryDisk> entries;
  size_t at = 0;

  LogicalBlock child() const { return entries[at].block & kBlockMask; }
  Result<void> enter(BufferRef node, size_t entries_offset) {
    if (dx_entries_offset(node.bytes()) != entries_offset) return Errno::EUCLEAN;
    entries = TRY(dx_index(node.bytes(), entries_offset)).entries;
    block = std::move(node);
    at = 0;
    return {};
  }
};

// The last entry whose range begins at or before `hash`. Entry 0 begins at 0, its hash field holds the count.
size_t entry_for(std::span<const DxEntryDisk> entries, uint32_t hash) {
  auto after = std::upper_bound(entries.begin() + 1, entries.end(), hash,
                                [](uint32_t h, const DxEntryDisk& e) { return h < e.hash; });
  return static_cast<size_t>(after - entries.begin()) - 1;
}

struct RootInfo {
  HashVersion version;
  int levels;  // of index nodes, the root included
};

std::optional<RootInfo> root_info(const Geometry& geo, BlockBytes root) {
  DxRootInfo info;
  std::memcpy(&info, root.data() + kDxRootInfo, sizeof info);
  int max_levels = geo.incompat & kIncompatLargedir ? kMaxLevels : kMaxLevels - 1;
  unsigned version = info.hash_version + (geo.hash_unsigned && info.hash_version <= 2 ? 3 : 0);
  if (version >= kHashVersionCount || info.indirect_levels >= max_levels || info.unused_flags & 1) return {};
  return RootInfo{static_cast<HashVersion>(version), info.indirect_levels + 1};
}

}  // namespace

Result<uint32_t> Ext4Inode::find_indexed(std::string_view name) {
  const Geometry& geo = volume().geometry();
  uint64_t blocks = attr_.size >> kBlockShift;
  if (blocks == 0) return find_linear(name);

  BufferRef root = TRY(dir_block(0));
  auto info = root_info(geo, root.bytes());
  if (!info || dx_entries_offset(root.bytes()) != kDxRootEntries) return find_linear(name);
  uint32_t hash = dir_hash(name, info->version, std::span<const uint32_t, 4>(geo.hash_seed));

  Level path[kMaxLevels];
  TRY(path[0].enter(std::move(root), kDxRootEntries));
  path[0].at = entry_for(path[0].entries, hash);
  for (int d = 1; d < info->levels; d++) {
    TRY(path[d].enter(TRY(dir_block(path[d - 1].child())), kDxNodeEntries));
    path[d].at = entry_for(path[d].entries, hash);
  }

  const int last = info->levels - 1;
  for (uint64_t visited = 0; visited < blocks; visited++) {
    BufferRef leaf = TRY(dir_block(path[last].child()));
    auto found = find_in_entries(DirEntries(geo, leaf.bytes()), name);
    if (found.ok() || found.error() != Errno::ENOENT) return found;
    // The next range of hashes, if it continues this one.
    int d = last;
    while (d >= 0 && path[d].at + 1 == path[d].entries.size()) d--;
    if (d < 0) return Errno::ENOENT;
    path[d].at++;
    if ((path[d].entries[path[d].at].hash & ~1u) != hash) return Errno::ENOENT;
    for (d++; d <= last; d++) TRY(path[d].enter(TRY(dir_block(path[d - 1].child())), kDxNodeEntries));
  }
  return Errno::EUCLEAN;  // the index goes round in circles
}

}  // namespace lodge::ext4
