// A mounted ext4, as the VFS sees it. It owns the volume (what is read from disk) and the inodes.
#pragma once
#include "kernel/file/inode.h"
#include "vfs/ext4/inode_cache.h"
#include "vfs/ext4/volume.h"

namespace lodge::ext4 {

struct MountOptions {
  size_t max_buffers = 4096;  // metadata blocks of 4 KiB kept in the arena
  size_t max_inodes = 16384;
};

class Ext4Superblock final : public Superblock {
 public:
  // Mounts the image for reading. `image_bytes` is the size of its file; the file does not change while it is
  // mounted. On failure `error` says why in words.
  static Result<Ref<Ext4Superblock>> mount(host::HostFile image, uint64_t image_bytes,
                                           const MountOptions& options, MountError& error);

  Ext4Superblock(host::HostFile image, uint64_t image_bytes) : volume_(image, image_bytes), inodes_(*this) {}
  ~Ext4Superblock() override;

  const char* type_name() const override { return "ext4"; }
  Ref<Inode> root() override;
  Result<void> stat_fs(abi::Statfs& out) override;

  Volume& volume() { return volume_; }
  InodeCache& inodes() { return inodes_; }

 private:
  Volume volume_;
  InodeCache inodes_;
  RefPtr<Inode> root_;
};

}  // namespace lodge::ext4
