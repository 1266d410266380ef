// Directories: names in order of their blocks, or inline. Indexed lookup is in dir_index.cc.
#include <cstring>

#include "vfs/ext4/inode.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {
namespace {

constexpr uint8_t kDtDir = abi::dt_type(abi::kTypeDir);
// Inline: the parent's number, then entries up to the end of the 60 bytes, then more behind those.
constexpr uint32_t kInlineEntries = sizeof(uint32_t);

bool name_is_sane(std::string_view name) {
  return name.find('/') == name.npos && name.find('\0') == name.npos;
}

// The two areas of inline entries.
std::span<const uint8_t> inline_area(const uint8_t* data, uint64_t size, int which) {
  std::span<const uint8_t> all(data, size);
  size_t split = std::min<size_t>(size, kInodeBlockBytes);
  if (which == 1) return all.subspan(split);
  return all.first(split).subspan(std::min<size_t>(split, kInlineEntries));
}

}  // namespace

bool Ext4Inode::is_indexed() const {
  return flags_ & kInodeIndex && volume().geometry().compat & kCompatDirIndex && !has_inline_data();
}

Result<BufferRef> Ext4Inode::dir_block(LogicalBlock n) {
  Run run = TRY(map_source().find(n));
  if (run.physical == 0) return Errno::EUCLEAN;
  BufferRef block = TRY(volume().buffers().get(run.physical));
  BufferCheck check{BufferKind::kDirBlock, id_.seed};
  if (!block.checked_as(check)) {
    if (volume().geometry().has_checksums() && !dir_block_checksum_ok(block.bytes(), is_indexed(), id_.seed))
      return Errno::EUCLEAN;
    block.set_checked_as(check);
  }
  return block;
}

Result<Ref<Inode>> Ext4Inode::lookup(std::string_view name) {
  if (!is_dir()) return Errno::ENOTDIR;
  if (name.size() > 255) return Errno::ENAMETOOLONG;
  uint32_t ino = TRY(has_inline_data() ? find_inline(name)
                     : is_indexed()    ? find_indexed(name)
                                       : find_linear(name));
  // A damaged directory may name itself or an inode that the file system keeps for its own use.
  if (ino == this->ino() || (ino < volume().geometry().first_ino && ino != kRootIno)) return Errno::EUCLEAN;
  Ref<Ext4Inode> inode = TRY(fs().inodes().get(ino));
  if (inode->is_attribute_value()) return Errno::EUCLEAN;
  return Ref<Inode>(std::move(inode));
}

Result<uint32_t> Ext4Inode::find_linear(std::string_view name) {
  const Geometry& geo = volume().geometry();
  for (LogicalBlock n = 0; n < attr_.size >> kBlockShift; n++) {
    BufferRef block = TRY(dir_block(n));
    auto found = find_in_entries(DirEntries(geo, block.bytes()), name);
    if (found.ok() || found.error() != Errno::ENOENT) return found;
  }
  return Errno::ENOENT;
}

Result<uint32_t> Ext4Inode::find_inline(std::string_view name) {
  for (int which : {0, 1}) {
    DirEntries entries(volume().geometry(), inline_area(inline_data_, attr_.size, which));
    auto found = find_in_entries(entries, name);
    if (found.ok() || found.error() != Errno::ENOENT) return found;
  }
  return Errno::ENOENT;
}

Result<void> Ext4Inode::read_dir(uint64_t offset, DirSink& sink) {
  if (!is_dir()) return Errno::ENOTDIR;
  if (has_inline_data()) return read_inline_dir(offset, sink);
  const Geometry& geo = volume().geometry();
  // The offset is the entry's place in bytes: that of an indexed directory's blocks stays as long as nothing
  // is written, so hash order is not needed. An offset from nowhere means the next entry in its block.
  for (uint64_t n = offset >> kBlockShift; n < attr_.size >> kBlockShift; n++) {
    BufferRef block = TRY(dir_block(static_cast<LogicalBlock>(n)));
    uint64_t start = n << kBlockShift;
    DirEntries entries(geo, block.bytes());
    DirEntry e;
    while (TRY(entries.next(e))) {
      if (e.ino == 0 || start + e.offset < offset) continue;
      if (!name_is_sane(e.name)) return Errno::EUCLEAN;
      if (!sink.add(e.name, e.ino, e.dt_type, start + e.next)) return {};
    }
  }
  return {};
}

// Offsets: "." is 0, ".." is 1, then each entry's place in the inline data.
Result<void> Ext4Inode::read_inline_dir(uint64_t offset, DirSink& sink) {
  if (attr_.size < kInlineEntries) return Errno::EUCLEAN;
  uint32_t parent;
  std::memcpy(&parent, inline_data_, sizeof parent);
  if (offset == 0 && !sink.add(".", ino(), kDtDir, 1)) return {};
  if (offset <= 1 && !sink.add("..", parent, kDtDir, kInlineEntries)) return {};
  for (int which : {0, 1}) {
    std::span<const uint8_t> area = inline_area(inline_data_, attr_.size, which);
    uint64_t start = static_cast<uint64_t>(area.data() - inline_data_);
    DirEntries entries(volume().geometry(), area);
    DirEntry e;
    while (TRY(entries.next(e))) {
      if (e.ino == 0 || start + e.offset < offset) continue;
      if (!name_is_sane(e.name)) return Errno::EUCLEAN;
      if (!sink.add(e.name, e.ino, e.dt_type, start + e.next)) return {};
    }
  }
  return {};
}

}  // namespace lodge::ext4
