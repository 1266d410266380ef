// Inode: the abstract file system object. File systems derive from it; mm maps it and the loader reads it
// through this interface alone.
//
// Who checks what: vfs/core has resolved names, checked permissions, mount flags and name rules (length, ".",
// "..", existence, types) and holds the directory's `dir_lock` (shared for lookup and readdir, exclusive for
// changes; both directories, in the order of vfs/README.md, for rename) before it calls a directory
// operation. The file system does the operation on its own structures and keeps nlink, times and sizes right.
// Defaults answer as Linux does for a type that lacks the operation. Locks: dir_lock and io_lock (sleeping),
// then attr_lock (kInode).
#pragma once
#include <span>
#include <string_view>

#include "kernel/abi/stat.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/string.h"
#include "kernel/file/cred.h"
#include "kernel/file/path.h"
#include "kernel/host/host.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge {

class File;
class Inode;
class IoCursor;
class PatchedText;  // kernel/mm/patched_text.h, which defines the one thing that happens to it here
void release_patched_text(PatchedText* text);
class Superblock;

using abi::Timespec;

struct InodeAttr {
  uint64_t ino = 0;
  uint32_t mode = 0;  // type and permission bits
  uint32_t nlink = 0;
  Uid uid = 0;
  Gid gid = 0;
  uint64_t rdev = 0;    // as Linux's new_encode_dev
  uint64_t size = 0;    // bytes
  uint64_t blocks = 0;  // 512-byte units
  uint32_t blksize = 4096;
  Timespec atime, mtime, ctime, btime;
  uint64_t attributes = 0;  // STATX_ATTR_*
  uint64_t attributes_mask = 0;
};

struct AttrChange {
  enum : uint32_t { kMode = 1, kUid = 2, kGid = 4, kSize = 8, kAtime = 16, kMtime = 32, kCtime = 64 };
  uint32_t mask = 0;
  uint32_t mode = 0;  // permission bits only
  Uid uid = 0;
  Gid gid = 0;
  uint64_t size = 0;
  Timespec atime, mtime, ctime;
};

struct NewInode {     // create, mkdir and mknod in one
  uint32_t mode = 0;  // type and permission bits, umask applied
  uint64_t rdev = 0;
  Uid uid = 0;
  Gid gid = 0;
};

// Takes directory entries; false means full (the entry was not taken).
class DirSink {
 public:
  virtual bool add(std::string_view name, uint64_t ino, uint8_t dt_type, uint64_t next_offset) = 0;

 protected:
  ~DirSink() = default;
};

enum class MapIntent : uint8_t { kPrivate, kSharedRead, kSharedWrite };

// A run of a file as the host can map it. zero: anonymous zeros (private, hole). Offsets and lengths are
// whole pages; the last page of a file is included if its tail on the host file is zero beyond the end of
// file (the file system sees to that, with a copy in the page file if need be).
struct MapExtent {
  bool zero = false;
  host::HostFile file = host::HostFile::kPages;
  uint64_t host_offset = 0;
  uint64_t length = 0;
};

// What becomes of a mapped range. kDiscard: its contents go (truncation, a hole punched), and with them what
// private mappings have made of them. kMove: its contents are elsewhere from now on; pages that are a private
// mapping's own stay, and a private mapping that may have some keeps all that it has, so the old blocks must
// stay what they were.
enum class Invalidation : uint8_t { kDiscard, kMove };

// Who maps an inode: an address space (kernel/mm). Called by Inode::invalidate_mappings.
class MappingOwner {
 public:
  virtual bool try_pin() = 0;  // keeps the owner alive; false: it is going, and takes its mappings with it
  virtual void unpin() = 0;
  // The inode's range [offset, offset+length) is going away; on return no thread of the owner can reach its
  // old blocks. May wait.
  virtual void invalidate(Inode& inode, uint64_t offset, uint64_t length, Invalidation how) = 0;

 protected:
  ~MappingOwner() = default;
};

// One mapping of an inode, registered by its owner for as long as it may reach the inode's blocks.
struct InodeMapping : ListNode<InodeMapping> {
  MappingOwner* owner = nullptr;
  uint32_t pass = 0;  // the last invalidation that has seen it
};

class Inode : public RefCounted<Inode> {
 public:
  Inode(Superblock& sb, uint64_t ino, uint32_t mode) : sb_(&sb), ino_(ino), mode_(mode) {}
  virtual ~Inode();
  virtual void on_last_ref() { destroy(this); }  // caches and deferred deletion override

  Superblock& sb() const { return *sb_; }
  uint64_t ino() const { return ino_; }
  uint32_t mode() const { return mode_.load(std::memory_order_relaxed); }
  bool is_dir() const { return (mode() & abi::kTypeMask) == abi::kTypeDir; }
  bool is_regular() const { return (mode() & abi::kTypeMask) == abi::kTypeRegular; }
  // Its last name was taken away: nothing is found or made in such a directory any more (set and read under
  // its dir_lock), and such a file gets no new name.
  bool removed() const { return removed_.load(std::memory_order_relaxed); }
  void set_removed() { removed_.store(true, std::memory_order_relaxed); }
  bool is_symlink() const { return (mode() & abi::kTypeMask) == abi::kTypeSymlink; }

  // Attributes. get_attr fills everything; owner() is the part that permission checks need, without a lock.
  virtual Result<void> get_attr(InodeAttr& out) = 0;
  virtual Result<void> set_attr(const AttrChange& change);  // EPERM
  struct Owner {
    Uid uid;
    Gid gid;
  };
  virtual Owner owner() = 0;
  // The contents were read. kRelative: only if the access time is not after the last change, or a day old
  // (mount(8)).
  enum class AtimeRule : uint8_t { kRelative, kStrict };
  virtual void touch_atime(AtimeRule rule) {}
  virtual void stored_by_mapping() {}  // its contents may have changed: mtime and ctime are now
  virtual uint64_t size() { return 0; }

  // Directories.
  virtual Result<Ref<Inode>> lookup(std::string_view name);
  virtual Result<Ref<Inode>> create(std::string_view name, const NewInode& how);
  virtual Result<Ref<Inode>> symlink(std::string_view name, std::string_view target, const NewInode& how);
  virtual Result<void> link(std::string_view name, Inode& target);
  virtual Result<void> unlink(std::string_view name, Inode& victim);
  virtual Result<void> rmdir(std::string_view name, Inode& victim);
  // victim: what new_name names now, or null. exchange: RENAME_EXCHANGE. whiteout: RENAME_WHITEOUT.
  struct RenameHow {
    bool exchange = false;
    bool whiteout = false;
  };
  virtual Result<void> rename(std::string_view name, Inode& moved, Inode& new_dir, std::string_view new_name,
                              Inode* victim, RenameHow how);
  virtual Result<Ref<Inode>> create_unnamed(const NewInode& how);  // O_TMPFILE
  // Entries from `offset` on ("." and ".." included) until the sink is full.
  virtual Result<void> read_dir(uint64_t offset, DirSink& sink);
  // False: a name's absence or meaning may change without the VFS (proc, pts): negative or positive dentries
  // are asked again.
  virtual bool cacheable() const { return true; }
  virtual bool revalidate(std::string_view name, Inode* cached) { return true; }

  // Symbolic links. A magic link (/proc/PID/fd/N) has a text too, but is followed to the object itself.
  virtual Result<String> read_link();
  virtual bool is_magic_link() const { return false; }
  virtual Result<Path> follow_magic();

  // A file object for this inode; flags are open(2)'s. Devices, FIFOs and sockets are opened by the device
  // registry instead, unless the inode says that it does so itself.
  virtual Result<Ref<File>> open(uint32_t flags);
  virtual bool opens_itself() const { return is_regular() || is_dir(); }

  // Contents.
  virtual Result<size_t> read(IoCursor& to, uint64_t offset);
  virtual Result<size_t> write(IoCursor& from, uint64_t offset, bool append);
  virtual Result<void> truncate(uint64_t size);
  virtual Result<void> allocate(uint32_t mode, uint64_t offset, uint64_t length);  // fallocate(2)
  virtual Result<void> sync(bool data_only);
  virtual Result<uint64_t> seek_data_hole(uint64_t offset, bool hole);

  // File seals (memfd_create(2)).
  virtual Result<uint32_t> seals();          // EINVAL
  virtual Result<void> add_seals(uint32_t);  // EINVAL

  // For mm: the run that starts at page-aligned `offset`, at most max_length long. ENXIO past the end of file
  // (SIGBUS). The caller holds io_lock shared until it has mapped what it got: blocks and size hold still.
  virtual Result<MapExtent> map_extent(uint64_t offset, uint64_t max_length, MapIntent intent);  // ENODEV
  bool has_mappings();
  void add_mapping(InodeMapping&);
  void remove_mapping(InodeMapping&);
  // Calls invalidate on every owner of a mapping; the caller holds io_lock exclusively and no Mutex.
  // Afterwards the blocks of the range are reached by nobody, and a fault asks map_extent again.
  void invalidate_mappings(uint64_t offset, uint64_t length, Invalidation how);

  // Extended attributes; full names ("user.x"). size 0 asks for the length.
  virtual Result<size_t> get_xattr(std::string_view name, std::span<char> out);
  virtual Result<void> set_xattr(std::string_view name, std::span<const char> value, uint32_t flags);
  virtual Result<void> remove_xattr(std::string_view name);
  virtual Result<size_t> list_xattr(std::span<char> out);

  SleepRwLock dir_lock;  // names of this directory
  // Contents and size, taken by the file system itself: shared for reads, exclusive for writes and
  // truncation.
  SleepRwLock io_lock;
  // Times that the content is written while executed or executed while written (ETXTBSY).
  std::atomic<int32_t> write_count{0};                // > 0: n writers; < 0: denied by n executions
  std::atomic<class FileLocks*> file_locks{nullptr};  // kernel/file/file_lock.h; made by the first lock
  PatchedText* patched_text = nullptr;  // counted; only kernel/mm looks at it, under MmSystem::patch_lock
  std::atomic<uint64_t> content_version{0};  // grows with every change of contents: patched text, caches

 protected:
  Superblock* sb_;
  uint64_t ino_;
  std::atomic<uint32_t> mode_;
  Mutex attr_lock_{LockClass::kInode};

 private:
  std::atomic<bool> removed_{false};
  Mutex mappings_lock_{LockClass::kMapping};
  List<InodeMapping, InodeMapping> mappings_;
  uint32_t mapping_pass_ = 0;
};

// One mounted instance of a file system.
class Superblock : public RefCounted<Superblock> {
 public:
  virtual ~Superblock() = default;
  virtual const char* type_name() const = 0;
  virtual Ref<Inode> root() = 0;
  virtual Result<void> stat_fs(abi::Statfs& out) = 0;
  virtual Result<void> sync() { return {}; }
  virtual Result<void> remount(std::string_view options) { return {}; }
  virtual Result<void> make_writable() { return {}; }  // EROFS for those that cannot be
  std::atomic<uint32_t> writers{0};                    // regular files open for writing
  virtual void show_options(class Formatter&) {}       // what /proc/mounts adds, ",size=…"
  SleepMutex rename_lock;  // outside all dir_locks: directories change their parents only under it
  uint64_t dev = 0;        // st_dev
  uint64_t magic = 0;      // f_type
  bool read_only = false;
  bool permanent = false;  // one instance for all mounts, kept when it is mounted nowhere
  // Kept by vfs/core: the one root dentry (counted) that all mounts share, and how many there are.
  class Dentry* root_dentry = nullptr;
  std::atomic<uint32_t> mount_count{0};
};

}  // namespace lodge
