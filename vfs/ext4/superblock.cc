#include "vfs/ext4/superblock.h"

#include <cstring>

#include "kernel/base/arena.h"
#include "vfs/ext4/inode.h"

namespace lodge::ext4 {
namespace {

// Blocks that hold the file system itself; statfs does not count them as part of its size (as Linux's minixdf
// off).
uint64_t count_overhead(const Geometry& geo) {
  uint64_t descs = (geo.groups + geo.descs_per_block() - 1) / geo.descs_per_block();
  uint64_t per_group = geo.inode_table_blocks() + 2;  // and the two bitmaps
  uint64_t n = per_group * geo.groups;
  for (uint32_t group = 0; group < geo.groups; group++)
    if (geo.group_has_super(group)) n += 1 + descs;
  return n;
}

}  // namespace

Result<Ref<Ext4Superblock>> Ext4Superblock::mount(host::HostFile image, uint64_t image_bytes,
                                                  const MountOptions& options, MountError& error) {
  auto made = make<Ext4Superblock>(image, image_bytes);
  if (!made.ok()) return error.refuse(made.error(), "no memory to mount the image");
  Ref<Ext4Superblock> sb = made.take();
  error.refuse(Errno::EIO, "the image cannot be read");  // unless a refusal below says more
  sb->magic = kSuperMagic;
  sb->read_only = true;
  TRY(sb->volume_.open(options.max_buffers, error));
  TRY(sb->inodes_.init(options.max_inodes));
  auto root = sb->inodes_.get(kRootIno);
  if (!root.ok()) return error.refuse(root.error(), "the root directory's inode is damaged");
  if (!(*root)->is_dir()) return error.refuse(Errno::EUCLEAN, "the root inode is no directory");
  sb->root_ = root.take();
  return sb;
}

Ext4Superblock::~Ext4Superblock() {
  root_.reset();
}

Ref<Inode> Ext4Superblock::root() {
  return Ref<Inode>(*root_);
}

Result<void> Ext4Superblock::stat_fs(abi::Statfs& out) {
  const Geometry& geo = volume_.geometry();
  uint64_t overhead = geo.overhead_blocks ? geo.overhead_blocks : count_overhead(geo);
  out = {};
  out.type = kSuperMagic;
  out.bsize = out.frsize = kBlockSize;
  out.blocks = geo.blocks - std::min(overhead, geo.blocks);
  out.bfree = volume_.groups().free_blocks();
  out.bavail = out.bfree - std::min(out.bfree, geo.reserved_blocks);
  out.files = geo.inodes;
  out.ffree = volume_.groups().free_inodes();
  out.namelen = 255;
  // f_fsid is the UUID folded, as Linux does it.
  uint64_t half[2];
  std::memcpy(half, geo.uuid, sizeof half);
  uint64_t folded = half[0] ^ half[1];
  std::memcpy(out.fsid, &folded, sizeof out.fsid);
  return {};
}

}  // namespace lodge::ext4
