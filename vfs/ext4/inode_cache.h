// InodeCache: the inodes of one ext4 in the arena, by number. get() gives one object per number however many
// ask for it at once; the first reads it while the others wait.
//
// The table holds a reference of its own to each inode, so that one which nobody uses stays for the next who
// asks. Beyond the bound those with no other reference go, least recently used first (second chance). New
// references come from existing ones or from the table under its lock, so an inode with one reference left,
// seen under the lock, is the table's alone. (Deleting a file will mean that the table gives its reference up
// when the link count reaches 0; the inode's last reference then frees the blocks.) Lock: kInodeCache. get()
// waits for the disk: hold no Mutex.
#pragma once
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/sched/wait.h"

namespace lodge::ext4 {

class Ext4Inode;
class Ext4Superblock;

class InodeCache {
 public:
  explicit InodeCache(Ext4Superblock& sb) : sb_(sb) {}
  InodeCache(const InodeCache&) = delete;
  ~InodeCache();
  Result<void> init(size_t max_inodes);

  // Any number: EUCLEAN if the file system has no such inode, ESTALE if it is not in use.
  Result<Ref<Ext4Inode>> get(uint32_t ino);
  // Forgets the inodes that nobody else holds.
  void drop_unused();
  size_t count() const;

 private:
  Ext4Inode*& bucket_of(uint32_t ino) { return buckets_[(ino * 0x9e3779b1u) >> bucket_shift_]; }
  Ext4Inode* find_locked(uint32_t ino) REQUIRES(lock_);
  void insert_locked(Ext4Inode& inode) REQUIRES(lock_);
  void remove_locked(Ext4Inode& inode) REQUIRES(lock_);
  Ext4Inode* evict_locked() REQUIRES(lock_);
  Result<Ref<Ext4Inode>> wait_for(Ref<Ext4Inode> inode);

  Ext4Superblock& sb_;
  mutable Mutex lock_{LockClass::kInodeCache};
  Ext4Inode** buckets_ = nullptr;
  unsigned bucket_shift_ = 0;
  size_t max_ = 0;
  size_t count_ GUARDED_BY(lock_) = 0;
  List<Ext4Inode, InodeCache> lru_ GUARDED_BY(lock_);
  WaitQueue load_done_;
};

}  // namespace lodge::ext4
