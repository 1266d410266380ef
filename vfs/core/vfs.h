// Vfs: the state of the file tree of one VPS: dentry cache, mounts, and the file system types that can be
// mounted.
#pragma once
#include <string_view>

#include "kernel/base/kernel.h"
#include "kernel/file/cred.h"
#include "vfs/core/dentry_cache.h"
#include "vfs/core/mount.h"

namespace lodge {

struct MountRequest {
  std::string_view source;
  std::string_view options;  // comma-separated, the file system's own
  uint64_t flags = 0;        // MS_*
  const Cred* cred = nullptr;
};

struct FsType {
  const char* name;
  Result<Ref<Superblock>> (*mount)(const MountRequest& request);
  enum Flags : uint32_t { kNeedsDevice = 1 } flags;  // /proc/filesystems: all others are "nodev"
};

struct VfsConfig {
  uint32_t dentry_buckets = 16384;
  uint32_t max_unused_dentries = 49152;
};

class Vfs {
 public:
  static constexpr KernelPart kPart = KernelPart::kVfs;
  static Vfs& current() { return kernel_part<Vfs>(); }

  DentryCache& dentries() { return dentries_; }
  MountTree& mounts() { return mounts_; }

  // At boot, before the first mount. `type` lives as long as the kernel.
  void register_fs(const FsType& type);
  const FsType* find_fs(std::string_view name) const;  // also "fuse.sub"-like names by their first part
  template <typename F>
  void for_each_fs(F f) const {
    for (uint32_t i = 0; i < type_count_; i++) f(*types_[i]);
  }

  // An unattached mount of a new or shared superblock. ENODEV: no such type.
  Result<MountRef> mount_fs(std::string_view type, const MountRequest& request);
  Result<MountRef> mount_superblock(Ref<Superblock> sb, uint64_t flags, std::string_view source);
  // The first mount of all, at "/".
  Result<void> mount_root(Ref<Superblock> sb, uint64_t flags, std::string_view source);

  // Every mounted file system's metadata and data to its disk (sync(2)).
  void sync_all();

  // The mount of files that have no name (memfds).
  void set_hidden_mount(MountRef m) { hidden_ = std::move(m); }
  Mount& hidden_mount() { return *hidden_; }

  uint64_t new_anonymous_dev();  // st_dev of a file system without a device: 0:N

 private:
  friend Result<Vfs*> vfs_init(const VfsConfig&);
  static constexpr uint32_t kMaxTypes = 16;
  DentryCache dentries_;
  MountTree mounts_;
  MountRef hidden_;
  const FsType* types_[kMaxTypes] = {};
  uint32_t type_count_ = 0;
  std::atomic<uint32_t> next_minor_{16};
  Mutex new_sb_lock_{LockClass::kVfsMount};
};

// Makes the part and hangs it off the kernel.
Result<Vfs*> vfs_init(const VfsConfig& config = {});

}  // namespace lodge
