#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/overlay/overlay.h"

namespace lodge {

OverlayInode::OverlayInode(OverlaySuperblock& sb, uint64_t ino, uint32_t mode, uint32_t nlink,
                           RefPtr<Inode> lower, RefPtr<TmpfsInode> upper)
    : Inode(sb, ino, mode),
      lower_(std::move(lower)),
      upper_(upper.leak()),
      data_copied_(upper_.load(std::memory_order_relaxed) != nullptr),
      nlink_(nlink) {}

OverlayInode::~OverlayInode() {
  if (TmpfsInode* u = upper()) u->unref();
}

void OverlayInode::on_last_ref() {
  overlay().forget(*this);
  destroy(this);
}

Result<void> OverlayInode::get_attr(InodeAttr& out) {
  TRY(attr_layer().get_attr(out));
  if (upper() && &data_layer() != upper() && (is_regular() || is_symlink())) {
    InodeAttr data;
    TRY(data_layer().get_attr(data));
    out.size = data.size;
    out.blocks = data.blocks;
  }
  out.ino = ino_;
  MutexLock lock(attr_lock_);
  out.nlink = nlink_;
  return {};
}

Result<void> OverlayInode::set_attr(const AttrChange& change) {
  TmpfsInode* to = TRY(copy_up_attr());
  TRY(to->set_attr(change));
  if (change.mask & AttrChange::kMode) mode_.store(to->mode(), std::memory_order_relaxed);
  return {};
}

// Reading alone never copies up: the lower layer's access times stay as they are (docs/CAVEATS.md).
void OverlayInode::touch_atime(AtimeRule rule) {
  if (TmpfsInode* u = upper()) u->touch_atime(rule);
}

void OverlayInode::stored_by_mapping() {
  if (TmpfsInode* u = upper()) u->stored_by_mapping();
}

Result<Ref<File>> OverlayInode::open(uint32_t flags) {
  if (!is_regular()) return Inode::open(flags);
  return Ref<File>(TRY(make<OverlayFile>(RefPtr<Inode>(this), flags)));
}

Inode* OverlayFile::map_source() {
  // Without room for the copy there is nothing to map: mmap says ENODEV, which is the nearest it can.
  if (writable() && !static_cast<OverlayInode*>(inode())->copy_up_data().ok()) return nullptr;
  return inode();
}

Result<size_t> OverlayInode::write(IoCursor& from, uint64_t offset, bool append) {
  if (!is_regular()) return Inode::write(from, offset, append);
  TRY(copy_up_data());
  size_t n = TRY(upper()->write(from, offset, append));
  content_version.fetch_add(1, std::memory_order_relaxed);
  return n;
}

// Mappings are known to this inode, not to the upper one: they are torn down here, before the upper one gives
// pages up.
Result<void> OverlayInode::truncate(uint64_t size) {
  if (!is_regular()) return Inode::truncate(size);
  SleepGuard guard(io_lock);
  uint64_t old_size = this->size();
  TRY(copy_up_data_locked(std::min(size, old_size)));
  if (size < old_size && has_mappings()) {
    uint64_t keep = (size + kPageSize - 1) & ~(uint64_t{kPageSize} - 1);
    invalidate_mappings(keep, ~0ull - keep, Invalidation::kDiscard);
  }
  content_version.fetch_add(1, std::memory_order_relaxed);
  return upper()->truncate(size);
}

Result<void> OverlayInode::allocate(uint32_t mode, uint64_t offset, uint64_t length) {
  if (!is_regular()) return Inode::allocate(mode, offset, length);
  SleepGuard guard(io_lock);
  TRY(copy_up_data_locked(size()));
  // A hole takes pages away; room that is only made changes nothing that is mapped.
  constexpr uint32_t kPunchHole = 2;  // fallocate(2)
  if ((mode & kPunchHole) && has_mappings()) invalidate_mappings(offset, length, Invalidation::kDiscard);
  content_version.fetch_add(1, std::memory_order_relaxed);
  return upper()->allocate(mode, offset, length);
}

// From the upper layer never as zeros, which a later write would have to replace. A lower file is mapped for
// shared writing only after map_source() has copied it.
Result<MapExtent> OverlayInode::map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) {
  if (data_copied_.load(std::memory_order_acquire))
    return upper()->map_extent(offset, max_length,
                               intent == MapIntent::kPrivate ? MapIntent::kSharedRead : intent);
  return lower_->map_extent(offset, max_length,
                            intent == MapIntent::kSharedWrite ? MapIntent::kSharedRead : intent);
}

Result<void> OverlayInode::set_xattr(std::string_view name, std::span<const char> value, uint32_t flags) {
  return TRY(copy_up_attr())->set_xattr(name, value, flags);
}

Result<void> OverlayInode::remove_xattr(std::string_view name) {
  if (!upper()) TRY(get_xattr(name, {}));  // ENODATA without a copy
  return TRY(copy_up_attr())->remove_xattr(name);
}

}  // namespace lodge
