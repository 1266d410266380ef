// Attributes and extended attributes of tmpfs inodes.
#include <cstring>

#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {
namespace {

constexpr uint64_t kDirEntrySize = 20;  // what Linux's tmpfs counts for one in a directory's st_size
constexpr int64_t kDaySeconds = 86400;

bool not_after(const Timespec& a, const Timespec& b) {
  return a.sec != b.sec ? a.sec < b.sec : a.nsec <= b.nsec;
}

}  // namespace

TmpfsInode::TmpfsInode(TmpfsSuperblock& sb, uint64_t ino, const NewInode& how, uint32_t nlink, Timespec now)
    : Inode(sb, ino, how.mode),
      uid_(how.uid),
      gid_(how.gid),
      nlink_(nlink),
      atime_(now),
      mtime_(now),
      ctime_(now),
      btime_(now),
      rdev_(how.rdev) {
  if (is_dir()) size_.store(2 * kDirEntrySize, std::memory_order_relaxed);
}

TmpfsInode::~TmpfsInode() {
  if (is_regular()) free_pages(0, ~0ull >> kPageShift);
  tmpfs().uncharge_inode();
}

Result<void> TmpfsInode::get_attr(InodeAttr& out) {
  MutexLock lock(attr_lock_);
  out.ino = ino_;
  out.mode = mode();
  out.nlink = nlink_;
  out.uid = uid_;
  out.gid = gid_;
  out.rdev = rdev_;
  out.size = size();
  out.blocks = data_pages_ * (kPageSize / 512);
  out.blksize = kPageSize;
  out.atime = atime_;
  out.mtime = mtime_;
  out.ctime = ctime_;
  out.btime = btime_;
  return {};
}

Result<void> TmpfsInode::set_attr(const AttrChange& c) {
  if (c.mask & AttrChange::kSize) TRY(truncate(c.size));
  MutexLock lock(attr_lock_);
  if (c.mask & AttrChange::kMode)
    mode_.store((mode() & abi::kTypeMask) | (c.mode & 07777), std::memory_order_relaxed);
  if (c.mask & AttrChange::kUid) uid_ = c.uid;
  if (c.mask & AttrChange::kGid) gid_ = c.gid;
  if (c.mask & AttrChange::kAtime) atime_ = c.atime;
  if (c.mask & AttrChange::kMtime) mtime_ = c.mtime;
  if (c.mask & AttrChange::kCtime) ctime_ = c.ctime;
  return {};
}

// Single words that are whole at any time; two that change together may be seen half changed, as on Linux.
Inode::Owner TmpfsInode::owner() {
  return {__atomic_load_n(&uid_, __ATOMIC_RELAXED), __atomic_load_n(&gid_, __ATOMIC_RELAXED)};
}

void TmpfsInode::touch_atime(AtimeRule rule) {
  Timespec now = current_time();
  MutexLock lock(attr_lock_);
  if (rule == AtimeRule::kRelative && !not_after(atime_, mtime_) && !not_after(atime_, ctime_) &&
      now.sec - atime_.sec < kDaySeconds)
    return;
  atime_ = now;
}

void TmpfsInode::stamp_contents(Timespec now) {
  MutexLock lock(attr_lock_);
  mtime_ = ctime_ = now;
}

void TmpfsInode::change_links(int by, Timespec now) {
  MutexLock lock(attr_lock_);
  nlink_ += static_cast<uint32_t>(by);
  ctime_ = now;
}

Result<String> TmpfsInode::read_link() {
  if (!is_symlink()) return Errno::EINVAL;
  return target_.clone();
}

// ---- extended attributes ----

namespace {

constexpr uint32_t kXattrCreate = 1, kXattrReplace = 2;

bool known_namespace(std::string_view name) {
  return has_prefix(name, "user.") || has_prefix(name, "trusted.") || has_prefix(name, "security.");
}

}  // namespace

TmpfsInode::Xattr* TmpfsInode::find_xattr(std::string_view name) {
  for (Xattr& x : xattrs_)
    if (x.name == name) return &x;
  return nullptr;
}

Result<size_t> TmpfsInode::get_xattr(std::string_view name, std::span<char> out) {
  if (!known_namespace(name)) return Errno::EOPNOTSUPP;
  MutexLock lock(attr_lock_);
  Xattr* x = find_xattr(name);
  if (!x) return Errno::ENODATA;
  if (!out.empty()) {
    if (out.size() < x->value.size()) return Errno::ERANGE;
    std::memcpy(out.data(), x->value.data(), x->value.size());
  }
  return x->value.size();
}

Result<void> TmpfsInode::set_xattr(std::string_view name, std::span<const char> value, uint32_t flags) {
  if (!known_namespace(name)) return Errno::EOPNOTSUPP;
  Xattr fresh;
  TRY(fresh.name.assign(name));
  TRY(fresh.value.append(value));
  Timespec now = current_time();
  MutexLock lock(attr_lock_);
  if (Xattr* x = find_xattr(name)) {
    if (flags & kXattrCreate) return Errno::EEXIST;
    std::swap(x->value, fresh.value);
  } else {
    if (flags & kXattrReplace) return Errno::ENODATA;
    TRY(xattrs_.push_back(std::move(fresh)));
  }
  ctime_ = now;
  return {};
}

Result<void> TmpfsInode::remove_xattr(std::string_view name) {
  if (!known_namespace(name)) return Errno::EOPNOTSUPP;
  Timespec now = current_time();
  MutexLock lock(attr_lock_);
  Xattr* x = find_xattr(name);
  if (!x) return Errno::ENODATA;
  xattrs_.erase(static_cast<size_t>(x - xattrs_.data()));
  ctime_ = now;
  return {};
}

Result<size_t> TmpfsInode::list_xattr(std::span<char> out) {
  MutexLock lock(attr_lock_);
  size_t n = 0;
  for (Xattr& x : xattrs_) n += x.name.size() + 1;
  if (out.empty()) return n;
  if (out.size() < n) return Errno::ERANGE;
  char* to = out.data();
  for (Xattr& x : xattrs_) {
    std::memcpy(to, x.name.c_str(), x.name.size() + 1);
    to += x.name.size() + 1;
  }
  return n;
}

}  // namespace lodge
