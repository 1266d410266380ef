#include "vfs/ext4/fs_type.h"

namespace lodge::ext4 {
namespace {

Result<Ref<Superblock>> mount_device(const MountRequest&) {
  return Errno::ENOTBLK;
}

constexpr FsType kExt4Type{"ext4", mount_device, FsType::kNeedsDevice};

}  // namespace

void register_ext4(Vfs& vfs) {
  vfs.register_fs(kExt4Type);
}

}  // namespace lodge::ext4
