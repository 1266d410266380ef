// Ext4Inode: an inode of a mounted ext4. Read once by InodeCache, constant from then on while the file system
// is only read: attributes need no lock. Operations that would write answer EROFS.
//
// Reading waits for the disk: hold no Mutex. No lock of its own but what the caches below take.
#pragma once
#include "kernel/base/arena.h"
#include "kernel/base/list.h"
#include "kernel/file/inode.h"
#include "vfs/ext4/dir_block.h"
#include "vfs/ext4/file_map.h"
#include "vfs/ext4/raw_inode.h"
#include "vfs/ext4/xattr.h"

namespace lodge::ext4 {

class Ext4Superblock;
class InodeCache;

class Ext4Inode final : public Inode, public ListNode<InodeCache> {
 public:
  static constexpr SlabId kSlab = SlabId::kExt4Inode;

  Ext4Inode(Ext4Superblock& sb, uint32_t ino);
  ~Ext4Inode() override;
  // Before anybody else sees it. EUCLEAN: damaged. ESTALE: not in use.
  Result<void> load();

  Result<void> get_attr(InodeAttr& out) override;
  Owner owner() override { return {attr_.uid, attr_.gid}; }
  uint64_t size() override { return attr_.size; }
  Result<void> set_attr(const AttrChange&) override { return Errno::EROFS; }

  Result<Ref<Inode>> lookup(std::string_view name) override;
  Result<void> read_dir(uint64_t offset, DirSink& sink) override;
  Result<Ref<Inode>> create(std::string_view, const NewInode&) override { return Errno::EROFS; }
  Result<Ref<Inode>> symlink(std::string_view, std::string_view, const NewInode&) override {
    return Errno::EROFS;
  }
  Result<void> link(std::string_view, Inode&) override { return Errno::EROFS; }
  Result<void> unlink(std::string_view, Inode&) override { return Errno::EROFS; }
  Result<void> rmdir(std::string_view, Inode&) override { return Errno::EROFS; }
  Result<void> rename(std::string_view, Inode&, Inode&, std::string_view, Inode*, RenameHow) override {
    return Errno::EROFS;
  }
  Result<Ref<Inode>> create_unnamed(const NewInode&) override { return Errno::EROFS; }

  Result<String> read_link() override;
  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor&, uint64_t, bool) override { return Errno::EROFS; }
  Result<void> truncate(uint64_t) override { return Errno::EROFS; }
  Result<void> allocate(uint32_t, uint64_t, uint64_t) override { return Errno::EROFS; }
  Result<uint64_t> seek_data_hole(uint64_t offset, bool hole) override;
  Result<MapExtent> map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) override;

  Result<size_t> get_xattr(std::string_view name, std::span<char> out) override;
  Result<void> set_xattr(std::string_view, std::span<const char>, uint32_t) override { return Errno::EROFS; }
  Result<void> remove_xattr(std::string_view) override { return Errno::EROFS; }
  Result<size_t> list_xattr(std::span<char> out) override;

  // For a file that holds an attribute's value (kIncompatEaInode).
  bool is_attribute_value() const { return flags_ & kInodeEaInode; }
  // `out.size()` bytes of contents through the buffer cache; for the small files the file system keeps for
  // itself.
  Result<void> read_through_cache(std::span<char> out);

 private:
  friend class InodeCache;

  Volume& volume() const;
  Ext4Superblock& fs() const;
  bool has_inline_data() const { return flags_ & kInodeInlineData; }
  bool is_indexed() const;
  MapRoot map_root() const { return MapRoot(root_); }
  MapSource map_source() const;

  // inode_load.cc
  void decode(const RawInode& raw);
  Result<void> check(const RawInode& raw);
  Result<void> load_inline_data(const RawInode& raw);

  // A block of this directory, checked; EUCLEAN for a hole.
  Result<BufferRef> dir_block(LogicalBlock n);
  Result<uint32_t> find_name(std::string_view name);
  Result<uint32_t> find_inline(std::string_view name);
  Result<uint32_t> find_linear(std::string_view name);
  Result<uint32_t> find_indexed(std::string_view name);
  Result<void> read_inline_dir(uint64_t offset, DirSink& sink);

  bool is_fast_symlink() const;
  Result<size_t> read_stretch(IoCursor& to, const MapSource& source, uint64_t at, size_t n);
  Result<size_t> read_inline(IoCursor& to, uint64_t offset, size_t n);
  Result<Place> mappable_last_block(Place there);
  Result<Place> mappable_inline_data();
  Result<Place> remember_last_page_copy(std::span<const uint8_t> bytes);

  template <typename Visit>
  Result<void> for_each_xattr_region(Visit visit);
  Result<size_t> read_xattr_value(const XattrEntry& entry, std::span<char> out);

  InodeAttr attr_;
  uint32_t flags_ = 0;
  InodeId id_;
  uint8_t root_[kInodeBlockBytes];
  bool has_body_xattrs_ = false;
  BlockNo xattr_block_ = 0;
  uint8_t* inline_data_ = nullptr;  // attr_.size bytes, kInodeInlineData only
  FileMap map_;
  std::atomic<Place> last_page_{
      Place::zeros()};           // as which the last page is mapped; zeros: not looked at yet
  bool owns_last_page_ = false;  // it is a copy made for this inode

  // Of InodeCache.
  Ext4Inode* next_in_bucket_ = nullptr;
  std::atomic<int32_t> load_state_;
  bool recently_used_ = true;
};

}  // namespace lodge::ext4
