// overlay: a file system that reads through to a lower one, which never changes, and keeps what is changed in
// a tmpfs: the throw-away root of a VPS over its image.
//
// One OverlayInode stands for one file of the merged tree. It has a lower inode (of the image), an upper one
// (an unnamed tmpfs inode), or both; it exists once for each lower inode, so hard links stay one file. A
// directory has a table of the names that differ from its lower one: new or moved names, and whiteouts. A
// directory made here has no lower one, which is what overlayfs calls opaque. Because the layers meet in
// memory alone, nothing of this has to be written into the upper layer, and directories below the lower layer
// can be renamed like any other.
//
// Copy-up comes in two steps. The first change of attributes makes the upper inode with the attributes and
// xattrs; the first change of contents copies them (holes left out). Until then contents are read, and
// mapped, from the lower inode. st_ino is the lower inode's for good, st_dev the overlay's own.
//
// References. A file that differs from its lower inode is pinned (the superblock holds it) while it has a
// name: a forgotten dentry must not forget the change. Names in tables hold their inodes. Inodes hold their
// layers. Locks: dir_lock (the VFS's) for names and link counts of directories; io_lock, exclusively, for
// copying contents up and cutting them; attr_lock (kInode) for link counts; OverlaySuperblock::lock (kInode)
// for the table. The layers' own locks come after these. Linux: fs/overlayfs,
// Documentation/filesystems/overlayfs.rst.
#pragma once
#include "kernel/base/slab.h"
#include "kernel/file/file.h"
#include "vfs/core/name_table.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {

class OverlayInode;

class OverlaySuperblock final : public Superblock {
 public:
  // lower: any file system that does not change. upper: where changes go.
  static Result<Ref<OverlaySuperblock>> create(Ref<Superblock> lower, Ref<TmpfsSuperblock> upper);
  OverlaySuperblock(Ref<Superblock> lower, Ref<TmpfsSuperblock> upper, uint64_t device);
  ~OverlaySuperblock() override;

  const char* type_name() const override { return "overlay"; }
  Ref<Inode> root() override;
  Result<void> stat_fs(abi::Statfs& out) override;
  Result<void> remount(std::string_view options) override { return upper_->remount(options); }
  void show_options(Formatter& out) override;

  TmpfsSuperblock& upper() { return *upper_; }
  // The inode for a lower one: the one that there is, or a new one.
  Result<Ref<OverlayInode>> inode_for(Ref<Inode> lower);
  Result<Ref<OverlayInode>> new_inode(const NewInode& how, uint32_t link_count);

 private:
  friend class OverlayInode;
  static constexpr uint32_t kBuckets = 4096;
  OverlayInode*& bucket(uint64_t lower_ino) { return table_[lower_ino % kBuckets]; }
  void forget(OverlayInode& inode);
  void pin(OverlayInode& inode);
  void unpin(OverlayInode& inode);

  Ref<Superblock> lower_;
  Ref<TmpfsSuperblock> upper_;
  RefPtr<OverlayInode> root_;
  Mutex lock_{LockClass::kInode};
  OverlayInode* table_[kBuckets] = {};
  List<OverlayInode> pinned_;  // counted
};

class OverlayInode final : public Inode, public ListNode<> {
 public:
  static constexpr SlabId kSlab = SlabId::kOverlayInode;
  OverlayInode(OverlaySuperblock& sb, uint64_t ino, uint32_t mode, uint32_t nlink, RefPtr<Inode> lower,
               RefPtr<TmpfsInode> upper);
  ~OverlayInode() override;
  void on_last_ref() override;

  Result<void> get_attr(InodeAttr& out) override;
  Result<void> set_attr(const AttrChange& change) override;
  Owner owner() override { return attr_layer().owner(); }
  uint64_t size() override { return data_layer().size(); }
  void touch_atime(AtimeRule rule) override;
  void stored_by_mapping() override;

  Result<Ref<Inode>> lookup(std::string_view name) override;
  Result<Ref<Inode>> create(std::string_view name, const NewInode& how) override;
  Result<Ref<Inode>> symlink(std::string_view name, std::string_view target, const NewInode& how) override;
  Result<void> link(std::string_view name, Inode& target) override;
  Result<void> unlink(std::string_view name, Inode& victim) override;
  Result<void> rmdir(std::string_view name, Inode& victim) override;
  Result<void> rename(std::string_view name, Inode& moved, Inode& new_dir, std::string_view new_name,
                      Inode* victim, RenameHow how) override;
  Result<Ref<Inode>> create_unnamed(const NewInode& how) override;
  Result<void> read_dir(uint64_t offset, DirSink& sink) override;
  Result<String> read_link() override { return data_layer().read_link(); }
  Result<Ref<File>> open(uint32_t flags) override;

  Result<size_t> read(IoCursor& to, uint64_t offset) override { return data_layer().read(to, offset); }
  Result<size_t> write(IoCursor& from, uint64_t offset, bool append) override;
  Result<void> truncate(uint64_t size) override;
  Result<void> allocate(uint32_t mode, uint64_t offset, uint64_t length) override;
  Result<uint64_t> seek_data_hole(uint64_t offset, bool hole) override {
    return data_layer().seek_data_hole(offset, hole);
  }
  Result<MapExtent> map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) override;

  Result<size_t> get_xattr(std::string_view name, std::span<char> out) override {
    return attr_layer().get_xattr(name, out);
  }
  Result<void> set_xattr(std::string_view name, std::span<const char> value, uint32_t flags) override;
  Result<void> remove_xattr(std::string_view name) override;
  Result<size_t> list_xattr(std::span<char> out) override { return attr_layer().list_xattr(out); }

  // Contents are in the upper layer afterwards (a shared mapping is going to write them).
  Result<void> copy_up_data();

 private:
  friend class OverlaySuperblock;
  OverlaySuperblock& overlay() const { return static_cast<OverlaySuperblock&>(*sb_); }
  TmpfsInode* upper() const { return upper_.load(std::memory_order_acquire); }
  // Where attributes, and where contents, are now.
  Inode& attr_layer() const { return upper() ? *upper() : *lower_; }
  Inode& data_layer() const { return data_copied_.load(std::memory_order_acquire) ? *upper() : *lower_; }

  // copy_up.cc
  Result<TmpfsInode*> copy_up_attr();
  Result<void> copy_up_data_locked(uint64_t bytes);
  Result<void> copy_xattrs(TmpfsInode& to);
  Result<void> copy_contents(TmpfsInode& to, uint64_t bytes);

  // names.cc
  Result<NameTable::Entry*> make_name(std::string_view name);
  Result<void> add_name(std::string_view name, Ref<OverlayInode> inode);
  void drop_name(NameTable::Entry& e);
  Result<NameTable::Entry*> name_to_drop(std::string_view name);
  Result<bool> is_empty();
  void change_links(int by);
  uint32_t link_count() {
    MutexLock lock(attr_lock_);
    return nlink_;
  }
  Result<void> stamp(Timespec now);

  RefPtr<Inode> lower_;
  std::atomic<TmpfsInode*> upper_;  // counted; set once
  std::atomic<bool> data_copied_;
  SleepMutex copy_lock_;  // makes upper_
  uint32_t nlink_;        // attr_lock_
  bool pinned_ = false;   // the superblock's lock
  OverlayInode* next_in_bucket_ = nullptr;
  NameTable names_;  // a directory's: a null inode is a whiteout
  std::atomic<uint64_t> parent_ino_{0};
};

// Maps what is writable only after its contents were copied up.
class OverlayFile final : public File {
 public:
  OverlayFile(RefPtr<Inode> inode, uint32_t flags) : File(std::move(inode), flags) {}
  Inode* map_source() override;
};

}  // namespace lodge
