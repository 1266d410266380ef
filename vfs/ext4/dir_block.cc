#include "vfs/ext4/dir_block.h"

#include <cstring>

#include "kernel/abi/stat.h"
#include "kernel/base/crc32c.h"

namespace lodge::ext4 {
namespace {

constexpr uint32_t kMinRecLen = 12;

template <typename T>
T load(std::span<const uint8_t> bytes, size_t at) {
  T v;
  std::memcpy(&v, bytes.data() + at, sizeof v);
  return v;
}

uint8_t dt_type_of(uint8_t file_type) {
  constexpr uint32_t kModes[] = {0,
                                 abi::kTypeRegular,
                                 abi::kTypeDir,
                                 abi::kTypeChar,
                                 abi::kTypeBlock,
                                 abi::kTypeFifo,
                                 abi::kTypeSocket,
                                 abi::kTypeSymlink};
  return file_type < sizeof kModes / sizeof kModes[0] ? abi::dt_type(kModes[file_type]) : 0;
}

}  // namespace

Result<bool> DirEntries::next(DirEntry& out) {
  size_t left = bytes_.size() - at_;
  if (at_ >= bytes_.size()) return false;
  if (left < kMinRecLen) return Errno::EUCLEAN;
  auto e = load<DirEntryDisk>(bytes_, at_);
  uint32_t needed = (kDirEntryHead + e.name_len + 3u) & ~3u;
  if (e.rec_len < kMinRecLen || e.rec_len % 4 != 0 || e.rec_len < needed || e.rec_len > left)
    return Errno::EUCLEAN;
  if (e.inode > geo_.inodes || (e.inode != 0 && e.name_len == 0)) return Errno::EUCLEAN;
  out.ino = e.inode;
  out.dt_type = geo_.incompat & kIncompatFiletype ? dt_type_of(e.file_type) : 0;
  out.name = {reinterpret_cast<const char*>(bytes_.data()) + at_ + kDirEntryHead, e.name_len};
  out.offset = at_;
  out.next = at_ += e.rec_len;
  return true;
}

Result<uint32_t> find_in_entries(DirEntries entries, std::string_view name) {
  DirEntry e;
  while (TRY(entries.next(e)))
    if (e.ino != 0 && e.name == name) return e.ino;
  return Errno::ENOENT;
}

size_t dx_entries_offset(BlockBytes block) {
  auto first = load<DirEntryDisk>(block, 0);
  if (first.rec_len == kBlockSize && first.inode == 0) return kDxNodeEntries;
  if (first.rec_len != 12) return 0;
  auto second = load<DirEntryDisk>(block, 12);
  auto info = load<DxRootInfo>(block, kDxRootInfo);
  bool is_root =
      second.rec_len == kBlockSize - 12 && info.reserved_zero == 0 && info.info_length == sizeof info;
  return is_root ? kDxRootEntries : 0;
}

Result<DxIndex> dx_index(BlockBytes block, size_t offset) {
  auto c = load<DxCountLimit>(block, offset);
  size_t room = (kBlockSize - offset) / sizeof(DxEntryDisk);
  if (c.count == 0 || c.count > c.limit || c.limit > room) return Errno::EUCLEAN;
  return DxIndex{{reinterpret_cast<const DxEntryDisk*>(block.data() + offset), c.count}};
}

bool dir_block_checksum_ok(BlockBytes block, bool indexed_dir, uint32_t seed) {
  if (size_t offset = indexed_dir ? dx_entries_offset(block) : 0; offset != 0) {
    auto c = load<DxCountLimit>(block, offset);
    size_t tail = offset + c.limit * sizeof(DxEntryDisk);
    if (c.count > c.limit || tail + sizeof(DxTail) > kBlockSize) return false;
    uint32_t crc = crc32c(seed, block.data(), offset + c.count * sizeof(DxEntryDisk));
    crc = crc32c(crc, block.data() + tail, offsetof(DxTail, checksum));
    crc = crc32c_value(crc, uint32_t{0});
    return crc == load<DxTail>(block, tail).checksum;
  }
  constexpr size_t kTail = kBlockSize - sizeof(DirTail);
  auto t = load<DirTail>(block, kTail);
  return t.inode == 0 && t.rec_len == sizeof t && t.name_len == 0 && t.file_type == kDirTailType &&
         crc32c(seed, block.data(), kTail) == t.checksum;
}

}  // namespace lodge::ext4
