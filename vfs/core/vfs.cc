#include "vfs/core/vfs.h"

#include "kernel/base/panic.h"

namespace lodge {

Result<Vfs*> vfs_init(const VfsConfig& config) {
  UniquePtr<Vfs> vfs = TRY(make_unique<Vfs>());
  TRY(vfs->dentries_.init(config.dentry_buckets, config.max_unused_dentries));
  Kernel::current().set_part(*vfs);
  return vfs.release();
}

void Vfs::register_fs(const FsType& type) {
  ASSERT(type_count_ < kMaxTypes);
  types_[type_count_++] = &type;
}

const FsType* Vfs::find_fs(std::string_view name) const {
  for (uint32_t i = 0; i < type_count_; i++)
    if (name == types_[i]->name) return types_[i];
  return nullptr;
}

uint64_t Vfs::new_anonymous_dev() {
  return abi::make_dev(0, next_minor_.fetch_add(1, std::memory_order_relaxed));
}

Result<MountRef> Vfs::mount_fs(std::string_view type, const MountRequest& request) {
  const FsType* fs = find_fs(type);
  if (!fs) return Errno::ENODEV;
  Ref<Superblock> sb = TRY(fs->mount(request));
  if ((request.flags & abi::kMsRdonly) && !sb->permanent) sb->read_only = true;
  return mount_superblock(std::move(sb), request.flags, request.source);
}

// A superblock has one root dentry, whoever mounts it how often: two would be two caches of the same names.
Result<MountRef> Vfs::mount_superblock(Ref<Superblock> sb, uint64_t flags, std::string_view source) {
  DentryRef fresh = TRY(dentries_.make_root(*sb, sb->root()));
  DentryRef root;
  {
    MutexLock lock(new_sb_lock_);
    if (!sb->root_dentry) sb->root_dentry = fresh.leak();
    root = DentryRef(sb->root_dentry);
  }
  if (!(flags & (abi::kMsNoatime | abi::kMsStrictatime))) flags |= abi::kMsRelatime;
  return mounts_.make(std::move(sb), std::move(root), static_cast<uint32_t>(flags), source);
}

// sync(2) tells nobody of errors; fsync(2) does.
void Vfs::sync_all() {
  for (uint32_t after = 0;;) {
    RefPtr<Superblock> sb = mounts_.next_superblock(after);
    if (!sb) return;
    (void)sb->sync();
  }
}

Result<void> Vfs::mount_root(Ref<Superblock> sb, uint64_t flags, std::string_view source) {
  mounts_.attach_root(TRY(mount_superblock(std::move(sb), flags, source)));
  return {};
}

}  // namespace lodge
