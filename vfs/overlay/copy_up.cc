// Copy-up: attributes and extended attributes first, contents when they are about to change.
#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/file/io_cursor.h"
#include "vfs/overlay/overlay.h"

namespace lodge {
namespace {

constexpr size_t kChunk = 256 << 10;

}  // namespace

Result<TmpfsInode*> OverlayInode::copy_up_attr() {
  if (TmpfsInode* u = upper()) return u;
  SleepGuard guard(copy_lock_);
  if (TmpfsInode* u = upper()) return u;
  InodeAttr a;
  TRY(lower_->get_attr(a));
  NewInode how{.mode = a.mode, .rdev = a.rdev, .uid = a.uid, .gid = a.gid};
  Ref<TmpfsInode> fresh = TRY(overlay().upper().make_inode(how, 1));
  TRY(copy_xattrs(*fresh));
  AttrChange times{.mask = AttrChange::kAtime | AttrChange::kMtime | AttrChange::kCtime,
                   .atime = a.atime,
                   .mtime = a.mtime,
                   .ctime = a.ctime};
  TRY(fresh->set_attr(times));
  overlay().pin(*this);
  TmpfsInode* u = fresh.leak();
  upper_.store(u, std::memory_order_release);
  return u;
}

Result<void> OverlayInode::copy_xattrs(TmpfsInode& to) {
  size_t size = TRY(lower_->list_xattr({}));
  if (size == 0) return {};
  Vector<char> names, value;
  TRY(names.resize(size));
  size = TRY(lower_->list_xattr(names.span()));
  for (size_t at = 0; at < size;) {
    std::string_view name(names.data() + at);
    at += name.size() + 1;
    TRY(value.resize(TRY(lower_->get_xattr(name, {}))));
    if (!value.empty()) TRY(lower_->get_xattr(name, value.span()));
    // What the upper layer has no place for (POSIX ACLs) is left behind, as overlayfs does.
    Result<void> r = to.set_xattr(name, value.span(), 0);
    if (!r.ok() && r.error() != Errno::EOPNOTSUPP) return r.error();
  }
  return {};
}

Result<void> OverlayInode::copy_up_data() {
  if (data_copied_.load(std::memory_order_acquire)) return {};
  SleepGuard guard(io_lock);
  return copy_up_data_locked(size());
}

// The first `bytes` of the contents; the caller is about to cut the rest. io_lock is held exclusively.
Result<void> OverlayInode::copy_up_data_locked(uint64_t bytes) {
  if (data_copied_.load(std::memory_order_acquire)) return {};
  TmpfsInode* u = TRY(copy_up_attr());
  InodeAttr before;
  TRY(u->get_attr(before));
  uint64_t whole = lower_->size();
  Result<void> r = copy_contents(*u, bytes);
  if (!r.ok()) {
    (void)u->truncate(0);  // only frees
    return r.error();
  }
  TRY(u->truncate(whole));
  AttrChange times{
      .mask = AttrChange::kMtime | AttrChange::kCtime, .mtime = before.mtime, .ctime = before.ctime};
  TRY(u->set_attr(times));
  // Who has mapped the lower file must see what is going to be written.
  if (has_mappings()) invalidate_mappings(0, ~0ull, Invalidation::kMove);
  data_copied_.store(true, std::memory_order_release);
  return {};
}

Result<void> OverlayInode::copy_contents(TmpfsInode& to, uint64_t bytes) {
  if (bytes == 0) return {};
  size_t chunk = std::min<uint64_t>(bytes, kChunk);
  UniquePtr<char> buffer(static_cast<char*>(arena_alloc(chunk)));
  if (!buffer) return Errno::ENOMEM;
  for (uint64_t at = 0; at < bytes;) {
    Result<uint64_t> data = lower_->seek_data_hole(at, false);
    if (!data.ok()) {
      if (data.error() == Errno::ENXIO) return {};  // holes up to the end
      return data.error();
    }
    if (*data >= bytes) return {};
    at = *data;
    uint64_t end = std::min(bytes, TRY(lower_->seek_data_hole(at, true)));
    while (at < end) {
      IoCursor in = IoCursor::kernel(buffer.get(), std::min<uint64_t>(chunk, end - at));
      size_t n = TRY(lower_->read(in, at));
      if (n == 0) return Errno::EIO;  // shorter than it says
      IoCursor out = IoCursor::kernel(buffer.get(), n);
      size_t written = TRY(to.write(out, at, false));
      if (written == 0) return Errno::ENOSPC;
      at += written;
    }
  }
  return {};
}

}  // namespace lodge
