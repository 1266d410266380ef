// Mount: a superblock, or a part of it, at a place of the file tree; MountTree: all of them.
//
// Lock-free readers (walk.cc) read the tree between read_begin() and read_valid() of its sequence count;
// mounts are type-stable. Whoever comes to rest on a mount takes a reference with try_ref() and then checks
// read_valid(). References: one by the tree while attached, one by each child, one by each Path. umount
// without MNT_DETACH wants no others, and looks after it has begun its change: a walker's count either shows
// then, or its read_valid() fails. All mounts are private: nothing propagates. Lock: kVfsMount for changes of
// the tree. References are let go after it. Linux: fs/namespace.c, mount_namespaces(7).
#pragma once
#include "kernel/abi/mount.h"
#include "kernel/base/mutex.h"
#include "kernel/base/seqlock.h"
#include "kernel/base/string.h"
#include "kernel/file/path.h"
#include "vfs/core/dentry.h"

namespace lodge {

struct MountListTag;
struct MountChildTag;
class MountTree;

// Besides mount(2)'s flags: the kernel's own, that no path leads to.
constexpr uint32_t kMountHidden = 1u << 22;

class Mount : public ListNode<MountListTag>, public ListNode<MountChildTag> {
 public:
  static constexpr SlabId kSlab = SlabId::kMount;
  // Flags of a mount, in mount(2)'s bits.
  static constexpr uint32_t kFlagMask = abi::kMsRdonly | abi::kMsNosuid | abi::kMsNodev | abi::kMsNoexec |
                                        abi::kMsNosymfollow | abi::kMsNoatime | abi::kMsNodiratime |
                                        abi::kMsRelatime | kMountHidden;

  Mount(Ref<Superblock> sb, DentryRef root, uint32_t flags, uint32_t id, String source);
  void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  bool try_ref();
  void unref();

  Superblock& sb() const { return *sb_; }
  uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
  bool read_only() const { return (flags() & abi::kMsRdonly) || sb_->read_only; }
  uint32_t id() const { return id_; }
  std::string_view source() const { return source_.view(); }

  // For readers of the tree: under its lock or its sequence count.
  Mount* parent() const { return parent_.load(std::memory_order_relaxed); }  // null: the root, or detached
  Dentry* mountpoint() const { return mountpoint_.load(std::memory_order_relaxed); }
  Dentry* root() const { return root_.load(std::memory_order_relaxed); }

 private:
  friend class MountTree;
  void die();

  std::atomic<uint32_t> refs_{1};
  std::atomic<uint32_t> flags_;
  std::atomic<Mount*> parent_{nullptr};       // counted
  std::atomic<Dentry*> mountpoint_{nullptr};  // counted
  std::atomic<Dentry*> root_;                 // counted
  std::atomic<Mount*> hash_next_{nullptr};
  Ref<Superblock> sb_;
  uint32_t id_;
  bool expiring_ = false;  // MNT_EXPIRE was here once, nobody since
  // What a detached mount still holds, until the lock is given back.
  Mount* held_parent_ = nullptr;
  Dentry* held_mountpoint_ = nullptr;
  String source_;
  List<Mount, MountChildTag> children_;
};

using MountRef = RefPtr<Mount>;

class MountTree {
 public:
  uint32_t read_begin() const { return seq_.read_begin(); }
  bool read_valid(uint32_t seq) const { return !seq_.read_retry(seq); }
  // What is mounted at a dentry of a mount, or null; for readers.
  Mount* find(const Mount* parent, const Dentry* at) const;
  // The topmost mount at `at`, counted: `at` itself if there is none.
  Path cross_down(Path at);
  // One level up from the root of a mount; false at the root of all.
  bool cross_up(Path& at);

  Result<MountRef> make(Ref<Superblock> sb, DentryRef root, uint32_t flags, std::string_view source);
  void attach_root(MountRef mount);
  Result<void> attach(MountRef mount, const Path& at);  // EBUSY if that is mounted there already
  enum class Depth : uint8_t { kThis, kTree };
  Result<void> bind(const Path& from, const Path& to, Depth depth);
  Result<void> move(const Path& from, const Path& to);
  Result<void> umount(const Path& at, uint32_t flags);  // `at` is the only reference that the caller holds
  void set_flags(Mount& m, uint32_t flags);

  Path root();
  // The superblock of the first mount with an id above after_id, which becomes that id; null at the end.
  RefPtr<Superblock> next_superblock(uint32_t& after_id);
  // For /proc/mounts, in order of mounting. Under the lock: f must not block.
  template <typename F>
  void for_each(F f) {
    MutexLock lock(lock_);
    for (Mount& m : all_) f(m);
  }
  Mutex& lock() { return lock_; }
  // Whether `p` is at or below `ancestor`, across mounts.
  bool is_below(const Path& p, const Path& ancestor);

 private:
  using Released = List<Mount, MountChildTag>;  // detached under the lock, to be let go after it
  static constexpr uint32_t kBuckets = 64;
  std::atomic<Mount*>& bucket(const Mount* parent, const Dentry* at) const;
  void hash_locked(Mount& m, Mount& parent, Dentry& at) REQUIRES(lock_);
  void unhash_locked(Mount& m, Released& out) REQUIRES(lock_);
  void detach_tree_locked(Mount& m, Released& out) REQUIRES(lock_);
  bool mounted_elsewhere_locked(const Dentry& d) REQUIRES(lock_);
  Result<void> clone_children_locked(Mount& from, Dentry& below, Mount& to) REQUIRES(lock_);
  static void release(Released& out);
  bool is_below_locked(const Path& p, const Path& ancestor) REQUIRES(lock_);

  Mutex lock_{LockClass::kVfsMount};
  SeqCount seq_;
  mutable std::atomic<Mount*> table_[kBuckets]{};
  List<Mount, MountListTag> all_;
  Mount* root_ = nullptr;
  uint32_t next_id_ = 20;
};

}  // namespace lodge
