// tmpfs: files in memory. Names and attributes stand in the arena, contents in the page file, read and
// written by the host between there and the guest's buffer. memfds and shared-memory segments are unnamed
// files of it, an overlay's upper layer too.
//
// References: a directory entry holds its inode, an inode nothing. Superblocks outlive their inodes (mounts
// hold them). Locks: dir_lock (the VFS's) for a directory's entries; io_lock for contents; attr_lock (kInode)
// for attributes and the page map. Linux: mm/shmem.c, tmpfs(5).
#pragma once
#include "kernel/abi/fcntl.h"
#include "kernel/base/slab.h"
#include "kernel/base/vector.h"
#include "kernel/file/inode.h"
#include "vfs/core/name_table.h"
#include "vfs/core/vfs.h"
#include "vfs/tmpfs/page_map.h"

namespace lodge {

class TmpfsInode;

struct TmpfsOptions {
  uint64_t max_pages = 0;   // 0: no limit
  uint64_t max_inodes = 0;  // 0: no limit
  uint32_t mode = 01777;
  Uid uid = 0;
  Gid gid = 0;
  // "size=50%,nr_inodes=10k,mode=755,…" on top of what is there. EINVAL for what tmpfs(5) does not know.
  Result<void> parse(std::string_view text, uint64_t memory_pages);
};

class TmpfsSuperblock final : public Superblock {
 public:
  static Result<Ref<TmpfsSuperblock>> create(const TmpfsOptions& options);
  TmpfsSuperblock(const TmpfsOptions& options, uint64_t device);
  ~TmpfsSuperblock() override;

  const char* type_name() const override { return type_name_; }
  void set_type_name(const char* name) { type_name_ = name; }  // devtmpfs
  Ref<Inode> root() override;
  Result<void> stat_fs(abi::Statfs& out) override;
  Result<void> remount(std::string_view options) override;
  void show_options(Formatter& out) override;

  // A file without a name, of any type. link_count 0: freed with its last reference.
  Result<Ref<TmpfsInode>> make_inode(const NewInode& how, uint32_t link_count);

  Result<void> charge(uint64_t pages);  // ENOSPC, ENOMEM
  void uncharge(uint64_t pages);

 private:
  friend class TmpfsInode;
  Result<void> charge_inode();
  void uncharge_inode() { used_inodes_.fetch_sub(1, std::memory_order_relaxed); }

  TmpfsOptions options_;
  const char* type_name_ = "tmpfs";
  RefPtr<TmpfsInode> root_;
  std::atomic<uint64_t> used_pages_{0};
  std::atomic<uint64_t> used_inodes_{0};
  std::atomic<uint64_t> next_ino_{1};
};

class TmpfsInode final : public Inode {
 public:
  static constexpr SlabId kSlab = SlabId::kTmpfsInode;
  TmpfsInode(TmpfsSuperblock& sb, uint64_t ino, const NewInode& how, uint32_t nlink, Timespec now);
  ~TmpfsInode() override;

  Result<void> get_attr(InodeAttr& out) override;
  Result<void> set_attr(const AttrChange& change) override;
  Owner owner() override;
  uint64_t size() override { return size_.load(std::memory_order_relaxed); }
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
  Result<String> read_link() override;

  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor& from, uint64_t offset, bool append) override;
  Result<void> truncate(uint64_t size) override;
  Result<void> allocate(uint32_t mode, uint64_t offset, uint64_t length) override;
  Result<uint64_t> seek_data_hole(uint64_t offset, bool hole) override;
  Result<MapExtent> map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) override;
  Result<uint32_t> seals() override;
  Result<void> add_seals(uint32_t seals) override;
  Result<void> set_target(std::string_view target);  // of a symbolic link, before it is shared
  void allow_seals() { seals_ = 0; }                 // memfd_create(MFD_ALLOW_SEALING), before it is shared

  Result<size_t> get_xattr(std::string_view name, std::span<char> out) override;
  Result<void> set_xattr(std::string_view name, std::span<const char> value, uint32_t flags) override;
  Result<void> remove_xattr(std::string_view name) override;
  Result<size_t> list_xattr(std::span<char> out) override;

 private:
  friend class TmpfsSuperblock;
  struct Xattr {
    String name;
    Vector<char> value;
  };

  TmpfsSuperblock& tmpfs() const { return static_cast<TmpfsSuperblock&>(*sb_); }
  Result<void> add_name(std::string_view name, Ref<TmpfsInode> inode, Timespec now);
  void drop_name(NameTable::Entry& e, Timespec now);
  void exchange(NameTable::Entry& a, TmpfsInode& to, NameTable::Entry& b, Timespec now);
  void change_links(int by, Timespec now);
  void stamp_contents(Timespec now);
  void free_pages(uint64_t page, uint64_t end);
  void zero_bytes(uint64_t from, uint64_t end);
  void clear_behind_end();
  struct Place {
    uint64_t host_offset;
    uint64_t length;
    bool fresh;
  };
  Result<void> room_for(uint64_t page, uint64_t end);
  Result<Place> place_data(uint64_t offset, uint64_t length);
  Result<void> may_write(uint64_t end) const;
  Xattr* find_xattr(std::string_view name);

  std::atomic<uint64_t> size_{0};
  // Guarded by attr_lock_.
  Uid uid_;
  Gid gid_;
  uint32_t nlink_;
  uint32_t seals_ = abi::kSealSeal;
  Timespec atime_, mtime_, ctime_, btime_;
  uint64_t data_pages_ = 0;
  PageMap pages_;
  Vector<Xattr> xattrs_;
  // Fixed, or under dir_lock.
  uint64_t rdev_;
  String target_;  // of a symbolic link
  uint64_t parent_ino_ = 0;
  NameTable names_;
};

// Registers "tmpfs" (and "ramfs", which is the same without limits).
void register_tmpfs(Vfs& vfs);

}  // namespace lodge
