// Contents of regular files and symbolic links. File data goes from the host's page cache straight to the
// reader's buffer; nothing of it is kept here.
#include <algorithm>
#include <cstring>

#include "kernel/file/io_cursor.h"
#include "vfs/ext4/inode.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {
namespace {

constexpr size_t kMaxSymlink = kBlockSize - 1;

}  // namespace

Result<void> Ext4Inode::get_attr(InodeAttr& out) {
  out = attr_;
  return {};
}

Result<size_t> Ext4Inode::read(IoCursor& to, uint64_t offset) {
  if (!is_regular()) [[unlikely]]
    return Inode::read(to, offset);
  if (offset >= attr_.size) return size_t{0};
  size_t wanted = std::min<uint64_t>(to.remaining(), attr_.size - offset);
  if (has_inline_data()) return read_inline(to, offset, wanted);

  MapSource source = map_source();
  size_t done = 0;
  while (done < wanted) {
    auto moved = read_stretch(to, source, offset + done, wanted - done);
    // Nothing at all means that the image has become shorter than it was.
    if (!moved.ok() || *moved == 0) {
      if (done == 0) return moved.ok() ? Errno::EIO : moved.error();
      break;
    }
    done += *moved;
  }
  return done;
}

// Up to n bytes from `at` on, as far as they lie together.
Result<size_t> Ext4Inode::read_stretch(IoCursor& to, const MapSource& source, uint64_t at, size_t n) {
  uint64_t in_block = at % kBlockSize;
  FileMap::Stretch s = TRY(map_.find(source, static_cast<LogicalBlock>(at >> kBlockShift)));
  n = std::min<uint64_t>(n, (s.blocks << kBlockShift) - in_block);
  if (s.place.is_zeros()) return to.zero_out(n);
  return to.read_from(volume().device().file_of(s.place), s.place.byte_offset() + in_block, n);
}

Result<size_t> Ext4Inode::read_inline(IoCursor& to, uint64_t offset, size_t n) {
  return to.copy_out(inline_data_ + offset, n);
}

Result<uint64_t> Ext4Inode::seek_data_hole(uint64_t offset, bool hole) {
  if (!is_regular() || has_inline_data()) return Inode::seek_data_hole(offset, hole);
  if (offset >= attr_.size) return Errno::ENXIO;
  MapSource source = map_source();
  for (uint64_t block = offset >> kBlockShift; block < source.blocks;) {
    FileMap::Stretch s = TRY(map_.find(source, static_cast<LogicalBlock>(block)));
    if (s.place.is_zeros() == hole) return std::max(offset, block << kBlockShift);
    block += s.blocks;
  }
  if (hole) return attr_.size;
  return Errno::ENXIO;
}

Result<void> Ext4Inode::read_through_cache(std::span<char> out) {
  if (out.size() > attr_.size) return Errno::EUCLEAN;
  if (has_inline_data()) {
    std::memcpy(out.data(), inline_data_, out.size());
    return {};
  }
  for (size_t done = 0; done < out.size();) {
    size_t n = std::min(kBlockSize, out.size() - done);
    Run run = TRY(map_source().find(static_cast<LogicalBlock>(done >> kBlockShift)));
    if (run.physical == 0) return Errno::EUCLEAN;
    BufferRef block = TRY(volume().buffers().get(run.physical));
    std::memcpy(out.data() + done, block.data(), n);
    done += n;
  }
  return {};
}

Result<String> Ext4Inode::read_link() {
  if (!is_symlink()) return Errno::EINVAL;
  if (attr_.size == 0 || attr_.size > kMaxSymlink) return Errno::EUCLEAN;
  char target[kBlockSize];
  std::span<char> text(target, attr_.size);
  if (is_fast_symlink())
    std::memcpy(target, root_, text.size());
  else
    TRY(read_through_cache(text));
  if (std::memchr(target, 0, text.size()) != nullptr) return Errno::EUCLEAN;
  return String::copy(std::string_view(target, text.size()));
}

}  // namespace lodge::ext4
