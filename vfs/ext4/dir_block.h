// One block of a directory: its entries, its checksum, and the index that some blocks hold instead of
// entries. Works on bytes alone, and believes none of them.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/result.h"
#include "vfs/ext4/geometry.h"

namespace lodge::ext4 {

using BlockBytes = std::span<const uint8_t, kBlockSize>;

struct DirEntry {
  uint32_t ino = 0;  // 0: unused
  uint8_t dt_type = 0;
  std::string_view name;
  uint32_t offset = 0;  // in the bytes read
  uint32_t next = 0;
};

// Walks entries that lie back to back, as in a directory block or in inline data.
class DirEntries {
 public:
  DirEntries(const Geometry& geo, std::span<const uint8_t> bytes, uint32_t from = 0)
      : geo_(geo), bytes_(bytes), at_(from) {}
  // False at the end. EUCLEAN for an entry that cannot be; unused entries are given too.
  Result<bool> next(DirEntry& out);

 private:
  const Geometry& geo_;
  std::span<const uint8_t> bytes_;
  uint32_t at_;
};

// The inode number that `name` stands for; ENOENT.
Result<uint32_t> find_in_entries(DirEntries entries, std::string_view name);

// Where the index of a dx root (block 0) or dx node begins, 0 if the block holds entries alone.
size_t dx_entries_offset(BlockBytes block);
// Entry 0's hash is that of all names before entry 1's.
struct DxIndex {
  std::span<const DxEntryDisk> entries;
};
Result<DxIndex> dx_index(BlockBytes block, size_t offset);

// The checksum at the end of a block of entries, or of an index.
bool dir_block_checksum_ok(BlockBytes block, bool indexed_dir, uint32_t seed);

}  // namespace lodge::ext4
