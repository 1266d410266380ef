// Dentry: a name in a directory and the inode it stands for, or that there is none (negative). Dentries are a
// cache: what is unreferenced may be forgotten at any time, and a lookup asks the file system again.
//
// Lock-free readers. A walk (walk.cc) reads the first part of a dentry without lock or count: dentry memory
// is type-stable, and `seq` changes with every change of that part. The rule: read seq (odd: dead or
// changing, take the slow way), read fields, check seq again, only then believe the fields. inode() may be
// followed only by who holds a reference; for that reason the directory's owner and mode, which each step of
// a walk checks, are copied in here (refresh_attr), and the memory of an inode never has to outlive its last
// reference.
//
// References. count 0 is a cached dentry that nobody uses (on the LRU list); kDead one that nobody may take.
// A child holds its parent. A holder of a reference sees inode() stand still, except that a negative dentry
// may become positive under the directory's dir_lock. Lock: the cache's (dentry_cache.h, kDentry) for every
// change of a dentry but its count. Linux: fs/dcache.c, Documentation/filesystems/path-lookup.rst.
#pragma once
#include <atomic>
#include <string_view>

#include "kernel/base/list.h"
#include "kernel/base/ref.h"
#include "kernel/base/slab.h"
#include "kernel/file/inode.h"
#include "vfs/core/qname.h"

namespace lodge {

class DentryCache;
struct ChildTag;
struct LruTag;

class Dentry;

// The part that lock-free walkers read; one cache line, and the name behind it.
class DentryHead {
 public:
  enum Flag : uint32_t {
    kHashed = 1,  // its name can be found
    kOnLru = 2,
    kMounted = 4,        // something is mounted here; the mount table knows what
    kRevalidate = 8,     // ask the directory's revalidate() at each lookup
    kRecentlyUsed = 16,  // spared once by the LRU
  };

  bool seq_begin(uint32_t& seq) const {
    seq = seq_.load(std::memory_order_acquire);
    return !(seq & 1);
  }
  bool seq_valid(uint32_t seq) const {
    std::atomic_signal_fence(std::memory_order_acquire);
    return seq_.load(std::memory_order_relaxed) == seq;
  }
  uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
  bool is(Flag f) const { return (flags() & f) != 0; }
  Dentry* parent() const { return parent_.load(std::memory_order_relaxed); }  // of a root: itself
  uint32_t mode() const { return mode_.load(std::memory_order_relaxed); }     // 0: negative
  bool negative() const { return mode() == 0; }
  bool is_dir() const { return (mode() & abi::kTypeMask) == abi::kTypeDir; }
  bool is_symlink() const { return (mode() & abi::kTypeMask) == abi::kTypeSymlink; }
  Uid uid() const { return uid_.load(std::memory_order_relaxed); }
  Gid gid() const { return gid_.load(std::memory_order_relaxed); }
  bool matches(const Dentry* parent, const QName& name) const;  // inline names only

 protected:
  friend class DentryCache;
  explicit DentryHead(uint32_t old_seq) : seq_(old_seq | 1) {}
  ~DentryHead() = default;
  void change_begin() { seq_.fetch_add(1, std::memory_order_acq_rel); }
  void change_end() { seq_.fetch_add(1, std::memory_order_release); }

  std::atomic<uint32_t> seq_;  // first: its value survives the object (see DentryCache::make)
  std::atomic<uint32_t> refs_{1};
  std::atomic<uint32_t> flags_{0};
  std::atomic<uint32_t> hash_{0};
  std::atomic<uint32_t> name_length_{0};
  std::atomic<uint32_t> mode_{0};
  std::atomic<Uid> uid_{0};
  std::atomic<Gid> gid_{0};
  std::atomic<Dentry*> parent_{nullptr};
  std::atomic<Dentry*> hash_next_{nullptr};
  std::atomic<Inode*> inode_{nullptr};  // counted
  std::atomic<uint64_t> name_[QName::kWords]{};
};

class alignas(64) Dentry : public DentryHead, public ListNode<ChildTag>, public ListNode<LruTag> {
 public:
  static constexpr SlabId kSlab = SlabId::kDentry;

  void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void unref();
  bool try_ref() {
    uint32_t n = refs_.load(std::memory_order_relaxed);
    while (n < kFrozen)
      if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) return true;
    return false;
  }

  // The rest is for holders of a reference.
  Inode* inode() const { return inode_.load(std::memory_order_acquire); }
  Superblock& sb() const { return *sb_; }
  bool is_root() const { return parent() == this; }
  // Copies the inode's mode and owner, after a change of them.
  void refresh_attr();
  std::string_view name_locked() const;  // under the cache's lock
  ~Dentry() = default;

 private:
  friend class DentryCache;
  static constexpr uint32_t kFrozen = 1u << 30;  // being made negative: count 1, nobody may take another
  static constexpr uint32_t kDead = 1u << 31;
  struct LongName {  // shared by dentries that a rename has given one name; counted under the cache's lock
    uint32_t refs;
    char text[];
  };

  Dentry(uint32_t old_seq, Superblock& sb) : DentryHead(old_seq), sb_(&sb) { parent_ = this; }
  void set_inode(Inode* inode);  // inside a change

  LongName* long_name_ = nullptr;  // of names that do not fit in name_
  Superblock* sb_;
  List<Dentry, ChildTag> children_;
};
static_assert(sizeof(Dentry) == 192);

using DentryRef = RefPtr<Dentry>;

}  // namespace lodge
