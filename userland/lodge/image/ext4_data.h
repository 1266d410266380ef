// Writes the blocks of one file: bytes in ascending order, large runs at once, holes where nothing was
// written. Owned by Ext4Writer; no locks.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lodge {

class Ext4Data {
 public:
  explicit Ext4Data(ext2_filsys fs);

  // The file is `inode`, which has no blocks yet; `shown` names it in errors.
  void start(ext2_ino_t ino, ext2_inode_large* inode, const std::string& shown);
  void write(uint64_t offset, std::span<const std::byte> bytes);
  // Writes out what is left and builds the extent tree in the inode (not its size, which may end in a hole).
  void finish();

 private:
  void flush();
  void append_extent(blk64_t logical, blk64_t physical, blk64_t count);

  ext2_filsys fs_;
  blk64_t goal_ = 0;  // where the last file ended: files lie in the order they come

  ext2_ino_t ino_ = 0;
  ext2_inode_large* inode_ = nullptr;
  std::string shown_;
  std::vector<ext2fs_extent> extents_;
  // One run of blocks that is being gathered: from byte run_start_ (a multiple of the block), run_bytes_
  // long.
  std::vector<std::byte> buffer_;
  uint64_t run_start_ = 0;
  size_t run_bytes_ = 0;
};

}  // namespace lodge
