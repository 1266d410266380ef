// Puts inodes into a fresh ext4 filesystem: files as they come, directories at the end, when all their names
// are known. Names themselves are the caller's (ImageBuilder). Errors are Failure; the image is then of no
// use. No locks.
#pragma once

#include <ext2fs/ext2fs.h>

#include <vector>

#include "userland/lodge/image/ext4_data.h"
#include "userland/lodge/image/ext4_directory.h"
#include "userland/lodge/image/tree_source.h"

namespace lodge {

class Ext4Writer {
 public:
  explicit Ext4Writer(ext2_filsys fs);

  // A number for a directory that write_directory() fills later; the root's is EXT2_ROOT_INO.
  ext2_ino_t allocate_directory();

  // Any file but a directory, with one name. Takes a regular file's data from `source`.
  ext2_ino_t add_file(const TreeEntry& entry, TreeSource& source);

  // One more name for a file, or one less; the last one takes the file with it.
  void add_link(ext2_ino_t ino, const std::string& shown);
  void drop_link(ext2_ino_t ino, const std::string& shown);

  void write_directory(ext2_ino_t ino, ext2_ino_t parent, const TreeEntry& entry,
                       const std::vector<DirectoryName>& names, size_t min_blocks);

 private:
  ext2_inode_large describe(const TreeEntry& entry) const;
  void write_inode(ext2_ino_t ino, ext2_inode_large& inode, const TreeEntry& entry);
  void write_symlink(ext2_ino_t ino, ext2_inode_large& inode, const TreeEntry& entry);
  void write_xattrs(ext2_ino_t ino, const TreeEntry& entry);

  ext2_filsys fs_;
  Ext4Data data_;
  Timestamp now_;
};

// EXT2_FT_* of a mode.
uint8_t ext4_file_type(uint32_t mode);

}  // namespace lodge
