#include "vfs/pseudo/inode.h"

#include "kernel/base/arena.h"
#include "vfs/core/attr.h"
#include "vfs/pseudo/text_file.h"

namespace lodge {

PseudoInode::PseudoInode(Superblock& sb, uint64_t ino, uint32_t mode, Owner owner)
    : Inode(sb, ino, mode), owner_(owner), made_(current_time()) {}

Result<void> PseudoInode::get_attr(InodeAttr& out) {
  out.ino = ino();
  out.mode = mode();
  out.nlink = link_count();
  out.uid = owner_.uid;
  out.gid = owner_.gid;
  out.blksize = 1024;
  out.atime = out.mtime = out.ctime = made_;
  return {};
}

Result<void> PseudoInode::set_attr(const AttrChange& change) {
  constexpr uint32_t kLasting = AttrChange::kMode | AttrChange::kUid | AttrChange::kGid;
  if (change.mask & kLasting) return Errno::EPERM;
  return {};
}

Result<void> TextInode::store(std::string_view) {
  return Errno::EIO;
}

Result<Ref<File>> TextInode::open(uint32_t flags) {
  TRY(may_open());
  return Ref<File>(TRY(make<TextFile>(Ref<Inode>(*this), *this, flags)));
}

uint64_t pseudo_ino(uint64_t dir_ino, std::string_view name) {
  uint64_t h = dir_ino * 0x9e3779b97f4a7c15;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  h ^= h >> 32;
  return (h & 0x3fffffff) | 0x40000000;  // 32 bits: old programs' ino_t holds it; never the root's
}

int32_t name_as_number(std::string_view name) {
  if (name.empty() || name.size() > 9 || (name[0] == '0' && name.size() > 1)) return -1;
  int32_t n = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return -1;
    n = n * 10 + (c - '0');
  }
  return n;
}

}  // namespace lodge
