// Linux's file structures on x86-64: timespec, stat(2), statx(2), statfs(2), and the type bits (inode(7)).
#pragma once
#include <cstdint>

namespace lodge::abi {

struct Timespec {
  int64_t sec = 0;
  int64_t nsec = 0;
};

constexpr uint32_t kTypeMask = 0170000, kTypeSocket = 0140000, kTypeSymlink = 0120000, kTypeRegular = 0100000,
                   kTypeBlock = 0060000, kTypeDir = 0040000, kTypeChar = 0020000, kTypeFifo = 0010000;
constexpr uint32_t kSetUid = 04000, kSetGid = 02000, kSticky = 01000;
constexpr uint8_t dt_type(uint32_t mode) {
  return (mode & kTypeMask) >> 12;
}

struct Stat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, pad0;
  uint64_t rdev;
  int64_t size, blksize, blocks;
  Timespec atime, mtime, ctime;
  int64_t unused[3];
};
static_assert(sizeof(Stat) == 144);

struct StatxTimestamp {
  int64_t sec;
  uint32_t nsec;
  int32_t pad;
};
struct Statx {
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, pad1;
  uint64_t ino, size, blocks, attributes_mask;
  StatxTimestamp atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t mnt_id;
  uint32_t dio_mem_align, dio_offset_align;
  uint64_t spare[12];
};
static_assert(sizeof(Statx) == 256);

struct Statfs {
  int64_t type, bsize;
  uint64_t blocks, bfree, bavail, files, ffree;
  int32_t fsid[2];
  int64_t namelen, frsize, flags, spare[4];
};
static_assert(sizeof(Statfs) == 120);

// Linux's dev_t as user space sees it (makedev(3)).
constexpr uint64_t make_dev(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (static_cast<uint64_t>(major & 0xfff) << 8) |
         (static_cast<uint64_t>(minor & ~0xffu) << 12) | (static_cast<uint64_t>(major & ~0xfffu) << 32);
}
constexpr uint32_t dev_major(uint64_t d) {
  return ((d >> 8) & 0xfff) | ((d >> 32) & ~0xfffull);
}
constexpr uint32_t dev_minor(uint64_t d) {
  return (d & 0xff) | ((d >> 12) & ~0xffull);
}

}  // namespace lodge::abi
