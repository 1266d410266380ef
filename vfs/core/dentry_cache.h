// The dentry cache of a VPS: a hash table by parent and name, and the LRU lists of what nobody uses, which
// are bounded. Names that have to be asked about anyway (kRevalidate: those of /proc, which go out of use
// with every process that ends) and names of nothing (each file that is removed leaves one) have short ones
// of their own.
//
// One lock serialises all changes; it is held for tens of instructions, and cached lookups do not take it.
// Chains are followed without it: a dentry that leaves a chain keeps its next pointer, and one that is made
// anew meanwhile can at worst lead a reader into another chain, which it notices as a miss. A miss without
// the lock means "look again with it", never "there is none". Lock: kDentry. Inodes are let go, and memory
// freed, after it.
#pragma once
#include "kernel/base/mutex.h"
#include "kernel/base/result.h"
#include "vfs/core/dentry.h"

namespace lodge {

class DentryCache {
 public:
  // buckets: a power of two. max_unused: how many unreferenced dentries are kept; few of them of the short
  // lists.
  Result<void> init(uint32_t buckets, uint32_t max_unused);

  // A root dentry, unnamed.
  Result<DentryRef> make_root(Superblock& sb, Ref<Inode> inode);

  // Without lock or count; seq is the found dentry's. nullptr: not found this way.
  Dentry* find_lockless(const Dentry& parent, const QName& name, uint32_t& seq) const;
  // Counted; null if the name is not cached.
  DentryRef find(Dentry& parent, const QName& name);
  // Adds what the file system said of a name (inode null: nothing there). If another lookup was quicker, its
  // dentry is returned. The caller holds the parent's dir_lock.
  Result<DentryRef> add(Dentry& parent, const QName& name, RefPtr<Inode> inode, uint32_t flags);

  // A dentry that no lookup finds: an unnamed file's (O_TMPFILE).
  Result<DentryRef> make_unhashed(Dentry& parent, const QName& name, Ref<Inode> inode);

  // The name now stands for `inode`: a negative dentry becomes positive. Under dir_lock, exclusively.
  void instantiate(Dentry& dentry, Ref<Inode> inode);
  // The name is gone. If nobody else uses the dentry it becomes negative, else it is unhashed and lives on as
  // deleted. The caller holds one reference, and dir_lock exclusively.
  void erase(Dentry& dentry);
  // Forgets the name; what uses the dentry keeps it.
  void unhash(Dentry& dentry);
  // Both dir_locks held exclusively. target's name is taken over; target itself ends up unhashed.
  void move(Dentry& dentry, Dentry& target);
  void exchange(Dentry& a, Dentry& b);

  void set_mounted(Dentry& dentry);
  void clear_mounted(Dentry& dentry);

  // Drops the unused dentries of a directory, or of a superblock (its last mount goes), or all.
  void prune_children(Dentry& dir);
  void prune(Superblock& sb);
  void prune_all();
  size_t unused_count() const { return lasting_.unused() + negative_.unused() + volatile_.unused(); }

  DentryRef parent_of(Dentry& dentry);

  // Walks names and parents from under the lock: d_path, ancestor tests.
  Mutex& lock() { return lock_; }
  // Whether `dentry` is `ancestor` or below it; takes the lock.
  bool is_below(const Dentry& dentry, const Dentry& ancestor);

 private:
  friend class Dentry;
  using Bucket = std::atomic<Dentry*>;
  using Doomed = List<Dentry, LruTag>;  // killed under the lock, to be let go after it
  struct Lru {
    List<Dentry, LruTag> list;  // longest unused first
    std::atomic<size_t> count{0};
    size_t max = 0;
    size_t unused() const { return count.load(std::memory_order_relaxed); }
    void add(ptrdiff_t n) { count.store(unused() + static_cast<size_t>(n), std::memory_order_relaxed); }
  };

  Result<Dentry*> make(Superblock& sb);
  Result<Dentry*> make_named(Superblock& sb, const QName& name);
  static void set_name(Dentry& d, const QName& name);
  void copy_name_locked(Dentry& d, const Dentry& from) REQUIRES(lock_);
  void drop_long_name_locked(Dentry& d) REQUIRES(lock_);
  Bucket& bucket(const Dentry* parent, uint32_t name_hash) const;
  Dentry* find_locked(Dentry& parent, const QName& name) REQUIRES(lock_);
  void hash_locked(Dentry& d) REQUIRES(lock_);
  void unhash_locked(Dentry& d) REQUIRES(lock_);
  void adopt_locked(Dentry& d, Dentry& new_parent) REQUIRES(lock_);
  void last_unref(Dentry& d);                                     // the count may be going to zero
  void reap(Dentry& d);                                           // the count is zero, or was
  void retire_locked(Dentry& d, Doomed& doomed) REQUIRES(lock_);  // count is zero: LRU or death
  bool kill_locked(Dentry& d, Doomed& doomed) REQUIRES(lock_);
  void trim_locked(Lru& lru, Doomed& doomed) REQUIRES(lock_);
  Lru& lru_of(const Dentry& d) {
    return d.is(Dentry::kRevalidate) ? volatile_ : d.negative() ? negative_ : lasting_;
  }
  void erase_locked(Dentry& d, RefPtr<Inode>& gone, Doomed& doomed) REQUIRES(lock_);
  void change_inode_locked(Dentry& d, Inode* inode, Doomed& doomed) REQUIRES(lock_);
  void bury(Doomed& doomed);
  template <typename Wanted>
  void prune_where(Wanted wanted);

  Mutex lock_{LockClass::kDentry};
  Bucket* table_ = nullptr;
  uint32_t mask_ = 0;
  Lru lasting_, negative_, volatile_;
};

}  // namespace lodge
