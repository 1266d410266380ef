// The seed that an inode's own checksum and those of its extent nodes and directory blocks start from.
#pragma once
#include <cstdint>

#include "kernel/base/crc32c.h"

namespace lodge::ext4 {

struct InodeId {
  uint32_t ino = 0;
  uint32_t seed = 0;

  static InodeId make(uint32_t fs_seed, uint32_t ino, uint32_t generation) {
    return {ino, crc32c_value(crc32c_value(fs_seed, ino), generation)};
  }
};

}  // namespace lodge::ext4
