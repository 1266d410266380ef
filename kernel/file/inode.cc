// What an inode answers when its file system lacks the operation: Linux's errno for the type.
#include "kernel/file/inode.h"

#include "kernel/base/arena.h"
#include "kernel/file/file.h"
#include "kernel/file/file_lock.h"

namespace lodge {
namespace {

// The error of an operation on contents that the type does not have.
Errno no_contents(const Inode& inode) {
  return inode.is_dir() ? Errno::EISDIR : Errno::EINVAL;
}

}  // namespace

Inode::~Inode() {
  destroy(file_locks.load(std::memory_order_acquire));
  if (patched_text) release_patched_text(patched_text);
}

Result<void> Inode::set_attr(const AttrChange&) {
  return Errno::EPERM;
}

Result<Ref<Inode>> Inode::lookup(std::string_view) {
  return is_dir() ? Errno::ENOENT : Errno::ENOTDIR;
}
Result<Ref<Inode>> Inode::create(std::string_view, const NewInode&) {
  return Errno::EPERM;
}
Result<Ref<Inode>> Inode::symlink(std::string_view, std::string_view, const NewInode&) {
  return Errno::EPERM;
}
Result<void> Inode::link(std::string_view, Inode&) {
  return Errno::EPERM;
}
Result<void> Inode::unlink(std::string_view, Inode&) {
  return Errno::EPERM;
}
Result<void> Inode::rmdir(std::string_view, Inode&) {
  return Errno::EPERM;
}
Result<void> Inode::rename(std::string_view, Inode&, Inode&, std::string_view, Inode*, RenameHow) {
  return Errno::EPERM;
}
Result<Ref<Inode>> Inode::create_unnamed(const NewInode&) {
  return Errno::EOPNOTSUPP;
}
Result<void> Inode::read_dir(uint64_t, DirSink&) {
  return Errno::ENOTDIR;
}
Result<String> Inode::read_link() {
  return Errno::EINVAL;
}
Result<Path> Inode::follow_magic() {
  return Errno::ENOENT;
}

// Devices, FIFOs and sockets are opened through the device registry (vfs/core/open.cc asks it first).
Result<Ref<File>> Inode::open(uint32_t flags) {
  if (!is_regular() && !is_dir()) return Errno::ENXIO;
  return make<File>(RefPtr<Inode>(this), flags);
}

Result<size_t> Inode::read(IoCursor&, uint64_t) {
  return no_contents(*this);
}
Result<size_t> Inode::write(IoCursor&, uint64_t, bool) {
  return no_contents(*this);
}
Result<void> Inode::truncate(uint64_t) {
  return no_contents(*this);
}
Result<void> Inode::allocate(uint32_t, uint64_t, uint64_t) {
  return Errno::EOPNOTSUPP;
}
Result<void> Inode::sync(bool) {
  return {};
}

// Without knowledge of holes all is data, with one virtual hole at the end (lseek(2)).
Result<uint64_t> Inode::seek_data_hole(uint64_t offset, bool hole) {
  uint64_t end = size();
  if (offset >= end) return Errno::ENXIO;
  return hole ? end : offset;
}

Result<uint32_t> Inode::seals() {
  return Errno::EINVAL;
}
Result<void> Inode::add_seals(uint32_t) {
  return Errno::EINVAL;
}

Result<MapExtent> Inode::map_extent(uint64_t, uint64_t, MapIntent) {
  return Errno::ENODEV;
}

Result<size_t> Inode::get_xattr(std::string_view, std::span<char>) {
  return Errno::EOPNOTSUPP;
}
Result<void> Inode::set_xattr(std::string_view, std::span<const char>, uint32_t) {
  return Errno::EOPNOTSUPP;
}
Result<void> Inode::remove_xattr(std::string_view) {
  return Errno::EOPNOTSUPP;
}
Result<size_t> Inode::list_xattr(std::span<char>) {
  return size_t{0};
}

void Inode::add_mapping(InodeMapping& m) {
  MutexLock lock(mappings_lock_);
  mappings_.push_back(m);
}

bool Inode::has_mappings() {
  MutexLock lock(mappings_lock_);
  return !mappings_.empty();
}

void Inode::remove_mapping(InodeMapping& m) {
  MutexLock lock(mappings_lock_);
  if (m.linked()) mappings_.remove(m);
}

// An owner may go as soon as mappings_lock_ is given back, hence the pin; the list may change, hence the pass
// number and the search from the front.
void Inode::invalidate_mappings(uint64_t offset, uint64_t length, Invalidation how) {
  mappings_lock_.lock();
  uint32_t pass = ++mapping_pass_;
  for (;;) {
    MappingOwner* owner = nullptr;
    for (InodeMapping& m : mappings_) {
      if (m.pass == pass || (owner && m.owner != owner)) continue;
      m.pass = pass;  // one call serves all mappings of an owner
      if (!owner && m.owner->try_pin()) owner = m.owner;
    }
    mappings_lock_.unlock();
    if (!owner) return;
    owner->invalidate(*this, offset, length, how);
    owner->unpin();
    mappings_lock_.lock();
  }
}

}  // namespace lodge
