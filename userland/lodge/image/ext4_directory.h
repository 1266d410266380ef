// The blocks of an ext4 directory, built at once from all its names: one or more linear blocks, or, where
// they are more than one, a hash tree as the kernel would have grown it
// (Documentation/filesystems/ext4/directory.rst). A function of its arguments; checksums are the caller's. No
// locks.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace lodge {

struct DirectoryName {
  std::string_view name;
  ext2_ino_t ino;
  uint8_t file_type;  // EXT2_FT_*
};

struct DirectoryBlocks {
  std::vector<std::byte> bytes;  // whole blocks
  bool is_indexed;               // needs EXT2_INDEX_FL
};

// `names` without "." and "..". At least `min_blocks` blocks come out (lost+found wants some to spare).
DirectoryBlocks build_directory(ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent,
                                const std::vector<DirectoryName>& names, size_t min_blocks);

}  // namespace lodge
