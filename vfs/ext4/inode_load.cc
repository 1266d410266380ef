// From an inode on disk to an Ext4Inode: decoding, and the checks that everything later relies on.
#include <algorithm>
#include <cstring>

#include "vfs/ext4/inode.h"
#include "vfs/ext4/page_copy.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {
namespace {

constexpr uint64_t kMaxFileSize = kMaxFileBlocks << kBlockShift;

// Seconds are 32 bits, signed; where the inode has room, two more bits count epochs and the rest are
// nanoseconds.
Timespec decode_time(uint32_t seconds, uint32_t extra) {
  constexpr uint32_t kNsPerSecond = 1'000'000'000;
  return {static_cast<int32_t>(seconds) + (static_cast<int64_t>(extra & 3) << 32),
          std::min(extra >> 2, kNsPerSecond - 1)};
}

// i_block[0] holds Linux's old 16-bit number, or 0 and then i_block[1] the new one.
uint64_t decode_device(const uint8_t* block) {
  uint32_t numbers[2];
  std::memcpy(numbers, block, sizeof numbers);
  if (numbers[0] != 0) return abi::make_dev((numbers[0] >> 8) & 0xff, numbers[0] & 0xff);
  return abi::make_dev((numbers[1] & 0xfff00) >> 8, (numbers[1] & 0xff) | ((numbers[1] >> 12) & 0xfff00));
}

bool has_contents(uint32_t mode) {
  uint32_t type = mode & abi::kTypeMask;
  return type == abi::kTypeRegular || type == abi::kTypeDir || type == abi::kTypeSymlink;
}

bool is_device(uint32_t mode) {
  uint32_t type = mode & abi::kTypeMask;
  return type == abi::kTypeChar || type == abi::kTypeBlock;
}

bool known_type(uint32_t mode) {
  uint32_t type = mode & abi::kTypeMask;
  return has_contents(mode) || is_device(mode) || type == abi::kTypeFifo || type == abi::kTypeSocket;
}

}  // namespace

Ext4Inode::Ext4Inode(Ext4Superblock& sb, uint32_t ino) : Inode(sb, ino, 0), load_state_(0) {}

Ext4Inode::~Ext4Inode() {
  arena_free(inline_data_);
  // Mappings hold the inode, so nothing maps the copy any more.
  if (owns_last_page_) free_page_copy(last_page_.load(std::memory_order_relaxed));
}

Result<void> Ext4Inode::load() {
  RawInode raw = TRY(volume().read_inode(static_cast<uint32_t>(ino())));
  decode(raw);
  TRY(check(raw));
  if (has_inline_data()) TRY(load_inline_data(raw));
  return {};
}

void Ext4Inode::decode(const RawInode& raw) {
  const InodeDisk& d = raw.disk();
  const Geometry& geo = volume().geometry();
  mode_.store(d.mode, std::memory_order_relaxed);
  flags_ = d.flags;
  id_ = raw.id();
  std::memcpy(root_, d.block, sizeof root_);
  xattr_block_ = join(d.file_acl_lo, d.file_acl_hi);
  has_body_xattrs_ = xattrs_in_body(raw.bytes().subspan(raw.extra_end())).has_value();

  attr_.ino = ino();
  attr_.mode = d.mode;
  attr_.nlink = d.links_count;
  attr_.uid = d.uid_lo | static_cast<Uid>(d.uid_hi) << 16;
  attr_.gid = d.gid_lo | static_cast<Gid>(d.gid_hi) << 16;
  attr_.rdev = is_device(d.mode) ? decode_device(d.block) : 0;
  // In a directory's high half older file systems kept something else.
  bool wide = is_regular() || geo.incompat & kIncompatLargedir;
  attr_.size = join(d.size_lo, wide ? d.size_hi : 0);
  uint64_t blocks = d.blocks_lo;
  if (geo.ro_compat & kRoHugeFile) blocks |= static_cast<uint64_t>(d.blocks_hi) << 32;
  bool in_fs_blocks = geo.ro_compat & kRoHugeFile && flags_ & kInodeHugeFile;
  attr_.blocks = in_fs_blocks ? blocks << (kBlockShift - 9) : blocks;
  attr_.atime = decode_time(d.atime, d.atime_extra);
  attr_.mtime = decode_time(d.mtime, d.mtime_extra);
  attr_.ctime = decode_time(d.ctime, d.ctime_extra);
  attr_.btime = decode_time(d.crtime, d.crtime_extra);
  // STATX_ATTR_* have the values of ext4's flags.
  attr_.attributes_mask = kInodeCompressed | kInodeImmutable | kInodeAppend | kInodeNodump;
  attr_.attributes = flags_ & attr_.attributes_mask;
}

Result<void> Ext4Inode::check(const RawInode& raw) {
  const Geometry& geo = volume().geometry();
  if (attr_.nlink == 0) return Errno::ESTALE;
  if (!known_type(attr_.mode)) return Errno::EUCLEAN;
  if (geo.inode_size > kGoodOldInodeSize) {
    uint32_t extra = raw.disk().extra_isize;
    if (extra % 4 != 0 || kGoodOldInodeSize + extra > geo.inode_size) return Errno::EUCLEAN;
  }
  if (flags_ & (kInodeEncrypt | kInodeCasefold)) return Errno::EUCLEAN;  // the features were refused
  if (has_inline_data() && !(geo.incompat & kIncompatInlineData)) return Errno::EUCLEAN;
  if (attr_.size > kMaxFileSize) return Errno::EUCLEAN;
  if (is_dir() && attr_.size >> kBlockShift > geo.blocks) return Errno::EUCLEAN;
  if (xattr_block_ != 0 && !geo.valid_blocks(xattr_block_, 1)) return Errno::EUCLEAN;
  bool mapped = has_contents(attr_.mode) && !has_inline_data() && !is_fast_symlink();
  if (mapped && flags_ & kInodeExtents && !extent_root_sane(geo, map_root())) return Errno::EUCLEAN;
  return {};
}

// Contents up to 60 bytes stand where the block map would; what does not fit is the attribute "system.data".
Result<void> Ext4Inode::load_inline_data(const RawInode& raw) {
  std::span<const uint8_t> rest;
  if (auto region = xattrs_in_body(raw.bytes().subspan(raw.extra_end()))) {
    XattrEntries entries(*region);
    XattrEntry e;
    while (TRY(entries.next(e)))
      if (e.index == kXattrSystem && e.name == "data") rest = e.value;
  }
  if (attr_.size > sizeof root_ + rest.size()) return Errno::EUCLEAN;
  if (attr_.size == 0) return {};
  inline_data_ = static_cast<uint8_t*>(arena_alloc(attr_.size));
  if (!inline_data_) return Errno::ENOMEM;
  size_t head = std::min<size_t>(attr_.size, sizeof root_);
  std::memcpy(inline_data_, root_, head);
  std::copy_n(rest.begin(), attr_.size - head, inline_data_ + head);
  return {};
}

Volume& Ext4Inode::volume() const {
  return fs().volume();
}
Ext4Superblock& Ext4Inode::fs() const {
  return static_cast<Ext4Superblock&>(sb());
}

MapSource Ext4Inode::map_source() const {
  return {volume(), map_root(), id_, (flags_ & kInodeExtents) != 0,
          (attr_.size + kBlockSize - 1) >> kBlockShift};
}

// The target of a short link stands where the block map would. Linux tells by the blocks that it has: none
// but the attributes'.
bool Ext4Inode::is_fast_symlink() const {
  if (!is_symlink() || has_inline_data()) return false;
  uint64_t attribute_sectors = xattr_block_ != 0 ? kBlockSize >> 9 : 0;
  return attr_.blocks == attribute_sectors && attr_.size < kInodeBlockBytes;
}

}  // namespace lodge::ext4
