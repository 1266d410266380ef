// An empty ext4 filesystem in a file, with the features that mkfs.ext4 gives it on Debian 12, always with 4
// KiB blocks and 256-byte inodes. Blocks and inode tables that nothing uses stay holes of the file. No locks.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <string>

namespace lodge {

inline constexpr uint64_t kImageBlockBytes = 4096;
inline constexpr uint64_t kMinImageBytes = 8 << 20;     // below it ext4 has no room for a journal
inline constexpr uint64_t kMaxImageBytes = 1ull << 44;  // 16 TiB, ext4's longest file and so the host's

// Owns an open libext2fs filesystem. close() writes the metadata out; without it the destructor throws it
// away.
class Ext4Filesystem {
 public:
  // `file` exists, is empty of data and has `bytes` bytes. Root and lost+found are not made here: see
  // Ext4Writer.
  Ext4Filesystem(const std::string& file, uint64_t bytes);
  ~Ext4Filesystem();
  Ext4Filesystem(const Ext4Filesystem&) = delete;
  Ext4Filesystem& operator=(const Ext4Filesystem&) = delete;

  ext2_filsys get() const { return fs_; }
  void close();

 private:
  ext2_filsys fs_ = nullptr;
};

// Throws Failure with libext2fs's words for `error`, if it is one; `what` says what was being done to what.
void check_ext4(errcode_t error, const std::string& what);

}  // namespace lodge
