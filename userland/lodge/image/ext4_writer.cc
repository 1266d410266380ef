// See ext4_writer.h.
#include "userland/lodge/image/ext4_writer.h"

#include <sys/stat.h>

#include <cstring>
#include <ctime>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/ext4_format.h"

namespace lodge {

namespace {

constexpr unsigned kMaxLinks = 65000;  // EXT4_LINK_MAX
constexpr size_t kFastSymlinkBytes = sizeof ext2_inode_large::i_block;

// Time in two fields: 32 bits of seconds, then nanoseconds above two more bits of seconds.
void put_time(const Timestamp& time, uint32_t& low, uint32_t& extra) {
  int64_t seconds = time.seconds;
  low = static_cast<uint32_t>(seconds);
  int64_t epoch = (seconds - static_cast<int32_t>(seconds)) >> 32;
  extra = static_cast<uint32_t>(epoch & EXT4_EPOCH_MASK) | time.nanoseconds << EXT4_EPOCH_BITS;
}

// The two encodings of a device number (new_encode_dev and old_encode_dev of Linux).
void put_device(const TreeEntry& entry, ext2_inode_large& inode) {
  if (entry.major < 256 && entry.minor < 256) {
    inode.i_block[0] = entry.major << 8 | entry.minor;
  } else {
    inode.i_block[1] = (entry.minor & 0xff) | entry.major << 8 | (entry.minor & ~0xffu) << 12;
  }
}

ext2_inode* small(ext2_inode_large& inode) {
  return reinterpret_cast<ext2_inode*>(&inode);
}

}  // namespace

uint8_t ext4_file_type(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EXT2_FT_REG_FILE;
    case S_IFDIR:
      return EXT2_FT_DIR;
    case S_IFLNK:
      return EXT2_FT_SYMLINK;
    case S_IFCHR:
      return EXT2_FT_CHRDEV;
    case S_IFBLK:
      return EXT2_FT_BLKDEV;
    case S_IFIFO:
      return EXT2_FT_FIFO;
    case S_IFSOCK:
      return EXT2_FT_SOCK;
    default:
      return EXT2_FT_UNKNOWN;
  }
}

Ext4Writer::Ext4Writer(ext2_filsys fs) : fs_(fs), data_(fs) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  now_ = {now.tv_sec, static_cast<uint32_t>(now.tv_nsec)};
  ext2fs_inode_alloc_stats2(fs_, EXT2_ROOT_INO, +1, 1);
}

ext2_ino_t Ext4Writer::allocate_directory() {
  ext2_ino_t ino;
  check_ext4(ext2fs_new_inode(fs_, EXT2_ROOT_INO, S_IFDIR, nullptr, &ino), "directory");
  ext2fs_inode_alloc_stats2(fs_, ino, +1, 1);
  return ino;
}

ext2_inode_large Ext4Writer::describe(const TreeEntry& entry) const {
  ext2_inode_large inode{};
  inode.i_mode = static_cast<uint16_t>(entry.mode);
  inode.i_uid = static_cast<uint16_t>(entry.uid);
  inode.i_uid_high = static_cast<uint16_t>(entry.uid >> 16);
  inode.i_gid = static_cast<uint16_t>(entry.gid);
  inode.i_gid_high = static_cast<uint16_t>(entry.gid >> 16);
  inode.i_links_count = 1;
  inode.i_extra_isize = fs_->super->s_want_extra_isize;
  put_time(entry.atime, inode.i_atime, inode.i_atime_extra);
  put_time(entry.mtime, inode.i_mtime, inode.i_mtime_extra);
  put_time(entry.ctime, inode.i_ctime, inode.i_ctime_extra);
  put_time(now_, inode.i_crtime, inode.i_crtime_extra);
  return inode;
}

ext2_ino_t Ext4Writer::add_file(const TreeEntry& entry, TreeSource& source) {
  if (ext4_file_type(entry.mode) == EXT2_FT_UNKNOWN) throw Failure(entry.path + ": a file of unknown type");
  ext2_ino_t ino;
  check_ext4(ext2fs_new_inode(fs_, EXT2_ROOT_INO, entry.mode, nullptr, &ino), entry.path);
  ext2fs_inode_alloc_stats2(fs_, ino, +1, 0);
  ext2_inode_large inode = describe(entry);
  if (S_ISREG(entry.mode)) {
    data_.start(ino, &inode, entry.path);
    DataRun run;
    while (source.read(run)) data_.write(run.offset, run.bytes);
    data_.finish();
    check_ext4(ext2fs_inode_size_set(fs_, small(inode), source.size()), entry.path);
  } else if (S_ISLNK(entry.mode)) {
    write_symlink(ino, inode, entry);
  } else if (S_ISCHR(entry.mode) || S_ISBLK(entry.mode)) {
    put_device(entry, inode);
  }
  write_inode(ino, inode, entry);
  return ino;
}

void Ext4Writer::write_symlink(ext2_ino_t ino, ext2_inode_large& inode, const TreeEntry& entry) {
  const std::string& target = entry.symlink_target;
  if (target.empty() || target.size() >= kImageBlockBytes)
    throw Failure(entry.path + ": symlink of bad length");
  if (target.size() < kFastSymlinkBytes) {
    memcpy(inode.i_block, target.data(), target.size());
  } else {
    data_.start(ino, &inode, entry.path);
    data_.write(0, std::as_bytes(std::span(target)));
    data_.finish();
  }
  inode.i_size = static_cast<uint32_t>(target.size());
}

void Ext4Writer::write_directory(ext2_ino_t ino, ext2_ino_t parent, const TreeEntry& entry,
                                 const std::vector<DirectoryName>& names, size_t min_blocks) {
  std::string shown = entry.path.empty() ? "/" : entry.path;
  DirectoryBlocks blocks = build_directory(fs_, ino, parent, names, min_blocks);
  for (size_t at = 0; at < blocks.bytes.size(); at += kImageBlockBytes) {
    auto* block = reinterpret_cast<ext2_dir_entry*>(blocks.bytes.data() + at);
    check_ext4(ext2fs_dir_block_csum_set(fs_, ino, block), shown);
  }
  ext2_inode_large inode = describe(entry);
  size_t links = 2;
  for (const DirectoryName& name : names) links += name.file_type == EXT2_FT_DIR;
  inode.i_links_count = links >= kMaxLinks ? 1 : links;  // dir_nlink: 1 stands for "many"
  if (blocks.is_indexed) inode.i_flags |= EXT2_INDEX_FL;
  data_.start(ino, &inode, shown);
  data_.write(0, blocks.bytes);
  data_.finish();
  check_ext4(ext2fs_inode_size_set(fs_, small(inode), blocks.bytes.size()), shown);
  write_inode(ino, inode, entry);
}

void Ext4Writer::write_inode(ext2_ino_t ino, ext2_inode_large& inode, const TreeEntry& entry) {
  check_ext4(ext2fs_write_inode_full(fs_, ino, small(inode), sizeof inode), entry.path);
  if (!entry.xattrs.empty()) write_xattrs(ino, entry);
}

void Ext4Writer::write_xattrs(ext2_ino_t ino, const TreeEntry& entry) {
  ext2_xattr_handle* handle;
  check_ext4(ext2fs_xattrs_open(fs_, ino, &handle), entry.path);
  errcode_t error = ext2fs_xattrs_read(handle);
  for (const Xattr& xattr : entry.xattrs) {
    if (error == 0)
      error = ext2fs_xattr_set(handle, xattr.name.c_str(), xattr.value.data(), xattr.value.size());
  }
  errcode_t close_error = ext2fs_xattrs_close(&handle);
  check_ext4(error != 0 ? error : close_error, entry.path + ": xattrs");
}

void Ext4Writer::add_link(ext2_ino_t ino, const std::string& shown) {
  ext2_inode inode;
  check_ext4(ext2fs_read_inode(fs_, ino, &inode), shown);
  if (inode.i_links_count >= kMaxLinks) throw Failure(shown + ": more than 65000 hard links to one file");
  inode.i_links_count++;
  check_ext4(ext2fs_write_inode(fs_, ino, &inode), shown);
}

void Ext4Writer::drop_link(ext2_ino_t ino, const std::string& shown) {
  ext2_inode_large inode;
  check_ext4(ext2fs_read_inode_full(fs_, ino, small(inode), sizeof inode), shown);
  if (--inode.i_links_count == 0) {
    check_ext4(ext2fs_free_ext_attr(fs_, ino, &inode), shown);
    if (ext2fs_inode_has_valid_blocks2(fs_, small(inode))) {
      check_ext4(ext2fs_punch(fs_, ino, small(inode), nullptr, 0, ~blk64_t{0}), shown);
    }
    ext2fs_inode_alloc_stats2(fs_, ino, -1, 0);
    inode = {};
  }
  check_ext4(ext2fs_write_inode_full(fs_, ino, small(inode), sizeof inode), shown);
}

}  // namespace lodge
