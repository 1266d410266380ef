// Names of what file system calls take.
#include <linux/close_range.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <linux/termios.h>
#include <linux/xattr.h>

#include "syscalls/strace/names_tables.h"

namespace lodge::strace {
namespace {

#define N STRACE_NAME

constexpr uint64_t kTmpfile = 020200000, kSync = 04010000;
// The access mode is printed before these.
constexpr Name kOpenFlags[] = {
    N(O_CREAT),        N(O_EXCL),     N(O_NOCTTY),  N(O_TRUNC),   N(O_APPEND),    N(O_NONBLOCK),
    {"O_SYNC", kSync}, N(O_DSYNC),    N(FASYNC),    N(O_DIRECT),  N(O_LARGEFILE), {"O_TMPFILE", kTmpfile},
    N(O_DIRECTORY),    N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH)};
constexpr Name kAtFlags[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_SYMLINK_FOLLOW),   N(AT_NO_AUTOMOUNT),
                             N(AT_EMPTY_PATH),       N(AT_STATX_FORCE_SYNC), N(AT_STATX_DONT_SYNC),
                             N(AT_EACCESS)};
constexpr Name kUnlinkFlags[] = {N(AT_REMOVEDIR)};
constexpr Name kLinkFlags[] = {N(AT_SYMLINK_FOLLOW), N(AT_EMPTY_PATH)};
constexpr Name kFcntl[] = {
    N(F_DUPFD),         N(F_GETFD),      N(F_SETFD),      N(F_GETFL),     N(F_SETFL),
    N(F_GETLK),         N(F_SETLK),      N(F_SETLKW),     N(F_SETOWN),    N(F_GETOWN),
    N(F_SETSIG),        N(F_GETSIG),     N(F_SETOWN_EX),  N(F_GETOWN_EX), N(F_OFD_GETLK),
    N(F_OFD_SETLK),     N(F_OFD_SETLKW), N(F_SETLEASE),   N(F_GETLEASE),  N(F_NOTIFY),
    N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS)};
constexpr Name kIoctl[] = {
    N(TCGETS),    N(TCSETS),     N(TCSETSW),         N(TCSETSF),         N(TCGETS2),      N(TCSBRK),
    N(TCXONC),    N(TCFLSH),     N(TIOCEXCL),        N(TIOCNXCL),        N(TIOCSCTTY),    N(TIOCGPGRP),
    N(TIOCSPGRP), N(TIOCOUTQ),   N(TIOCSTI),         N(TIOCGWINSZ),      N(TIOCSWINSZ),   N(FIONREAD),
    N(TIOCCONS),  N(TIOCNOTTY),  N(TIOCSETD),        N(TIOCGETD),        N(TCSBRKP),      N(TIOCGSID),
    N(TIOCGPTN),  N(TIOCSPTLCK), N(TIOCGPTLCK),      N(TIOCGPTPEER),     N(FIONBIO),      N(FIOASYNC),
    N(FIONCLEX),  N(FIOCLEX),    N(FS_IOC_GETFLAGS), N(FS_IOC_SETFLAGS), N(BLKGETSIZE64), N(BLKSSZGET),
    N(FICLONE)};
constexpr Name kSeek[] = {N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE)};
constexpr Name kAccess[] = {{"R_OK", 4}, {"W_OK", 2}, {"X_OK", 1}, {"F_OK", 0}};
constexpr Name kFlock[] = {N(LOCK_SH), N(LOCK_EX), N(LOCK_UN), N(LOCK_NB)};
constexpr Name kAdvice[] = {N(POSIX_FADV_NORMAL),   N(POSIX_FADV_RANDOM),   N(POSIX_FADV_SEQUENTIAL),
                            N(POSIX_FADV_WILLNEED), N(POSIX_FADV_DONTNEED), N(POSIX_FADV_NOREUSE)};
constexpr Name kFallocate[] = {N(FALLOC_FL_KEEP_SIZE),      N(FALLOC_FL_PUNCH_HOLE),
                               N(FALLOC_FL_COLLAPSE_RANGE), N(FALLOC_FL_ZERO_RANGE),
                               N(FALLOC_FL_INSERT_RANGE),   N(FALLOC_FL_UNSHARE_RANGE)};
constexpr Name kSyncRange[] = {N(SYNC_FILE_RANGE_WAIT_BEFORE), N(SYNC_FILE_RANGE_WRITE),
                               N(SYNC_FILE_RANGE_WAIT_AFTER)};
constexpr Name kRename[] = {N(RENAME_NOREPLACE), N(RENAME_EXCHANGE), N(RENAME_WHITEOUT)};
constexpr Name kMount[] = {N(MS_RDONLY),      N(MS_NOSUID),   N(MS_NODEV),   N(MS_NOEXEC),  N(MS_SYNCHRONOUS),
                           N(MS_REMOUNT),     N(MS_MANDLOCK), N(MS_DIRSYNC), N(MS_NOATIME), N(MS_NODIRATIME),
                           N(MS_BIND),        N(MS_MOVE),     N(MS_REC),     N(MS_SILENT),  N(MS_POSIXACL),
                           N(MS_UNBINDABLE),  N(MS_PRIVATE),  N(MS_SLAVE),   N(MS_SHARED),  N(MS_RELATIME),
                           N(MS_STRICTATIME), N(MS_LAZYTIME)};
// <linux/fs.h> does not have these.
constexpr Name kUmount[] = {{"MNT_FORCE", 1}, {"MNT_DETACH", 2}, {"MNT_EXPIRE", 4}, {"UMOUNT_NOFOLLOW", 8}};
constexpr Name kCloseRange[] = {N(CLOSE_RANGE_UNSHARE), N(CLOSE_RANGE_CLOEXEC)};
constexpr Name kMemfd[] = {N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING), N(MFD_HUGETLB)};
constexpr Name kRw[] = {N(RWF_HIPRI), N(RWF_DSYNC), N(RWF_SYNC), N(RWF_NOWAIT), N(RWF_APPEND)};
constexpr Name kSplice[] = {
    {"SPLICE_F_MOVE", 1}, {"SPLICE_F_NONBLOCK", 2}, {"SPLICE_F_MORE", 4}, {"SPLICE_F_GIFT", 8}};
constexpr Name kStatx[] = {N(STATX_ALL),    N(STATX_BASIC_STATS), N(STATX_TYPE),  N(STATX_MODE),
                           N(STATX_NLINK),  N(STATX_UID),         N(STATX_GID),   N(STATX_ATIME),
                           N(STATX_MTIME),  N(STATX_CTIME),       N(STATX_INO),   N(STATX_SIZE),
                           N(STATX_BLOCKS), N(STATX_BTIME),       N(STATX_MNT_ID)};
constexpr Name kXattr[] = {N(XATTR_CREATE), N(XATTR_REPLACE)};
constexpr Name kPipe[] = {N(O_DIRECT), N(O_NONBLOCK), N(O_CLOEXEC)};
constexpr Name kFileSystems[] = {N(EXT2_SUPER_MAGIC), N(TMPFS_MAGIC),        N(PROC_SUPER_MAGIC),
                                 N(SYSFS_MAGIC),      N(DEVPTS_SUPER_MAGIC), N(OVERLAYFS_SUPER_MAGIC),
                                 N(PIPEFS_MAGIC),     N(ANON_INODE_FS_MAGIC)};
#undef N

}  // namespace

NameTable names_of(OpenFlagsTag*) {
  return {kOpenFlags, "O_???"};
}
NameTable names_of(AtFlagsTag*) {
  return {kAtFlags, "AT_???"};
}
NameTable unlink_flag_names() {
  return {kUnlinkFlags, "AT_???"};
}
NameTable link_flag_names() {
  return {kLinkFlags, "AT_???"};
}
NameTable names_of(FcntlCommand*) {
  return {kFcntl, "F_???", false};
}
NameTable names_of(IoctlCommand*) {
  return {kIoctl, "", false};
}
NameTable names_of(SeekWhence*) {
  return {kSeek, "SEEK_???", false};
}
NameTable names_of(AccessMode*) {
  return {kAccess, "?_OK"};
}
NameTable names_of(FlockOperationTag*) {
  return {kFlock, "LOCK_???"};
}
NameTable names_of(FileAdviceTag*) {
  return {kAdvice, "POSIX_FADV_???", false};
}
NameTable names_of(FallocateModeTag*) {
  return {kFallocate, "FALLOC_FL_???"};
}
NameTable names_of(SyncRangeFlagsTag*) {
  return {kSyncRange, "SYNC_FILE_RANGE_???"};
}
NameTable names_of(RenameFlagsTag*) {
  return {kRename, "RENAME_??"};
}
NameTable names_of(MountFlagsTag*) {
  return {kMount, "MS_???"};
}
NameTable names_of(UmountFlagsTag*) {
  return {kUmount, "MNT_???"};
}
NameTable names_of(CloseRangeFlagsTag*) {
  return {kCloseRange, "CLOSE_RANGE_???"};
}
NameTable names_of(MemfdFlagsTag*) {
  return {kMemfd, "MFD_???"};
}
NameTable names_of(RwFlagsTag*) {
  return {kRw, "RWF_???"};
}
NameTable names_of(SpliceFlagsTag*) {
  return {kSplice, "SPLICE_F_???"};
}
NameTable names_of(StatxMaskTag*) {
  return {kStatx, "STATX_???"};
}
NameTable names_of(XattrFlagsTag*) {
  return {kXattr, "XATTR_???"};
}
NameTable names_of(PipeFlagsTag*) {
  return {kPipe, "O_???"};
}
NameTable names_of(DupFlagsTag*) {
  return {kPipe, "O_???"};
}
NameTable file_system_names() {
  return {kFileSystems, "???_MAGIC", false};
}

}  // namespace lodge::strace
