// The inodes of file systems whose contents the kernel makes up: attributes, generated files, symbolic links.
//
// Such an inode is made by a lookup, holds what is needed to find its object again (an index, a process id),
// and goes with its dentry; two lookups may make two of the same number. Owner and mode are fixed for its
// life: where they follow an object that changes, still_valid() says so and the next lookup makes another.
// Locks: none beyond the inode's own.
#pragma once
#include "kernel/base/format.h"
#include "kernel/file/inode.h"

namespace lodge {

class PseudoInode : public Inode {
 public:
  PseudoInode(Superblock& sb, uint64_t ino, uint32_t mode, Owner owner);
  Result<void> get_attr(InodeAttr& out) override;
  // Times are let be set, sizes ignored (`>` truncates first), owner and mode stay.
  Result<void> set_attr(const AttrChange& change) override;
  Owner owner() override { return owner_; }
  // Whether a cached name may still mean this inode (the directory's revalidate()).
  virtual bool still_valid() { return true; }

 protected:
  virtual uint32_t link_count() { return is_dir() ? 2 : 1; }

 private:
  const Owner owner_;
  const Timespec made_;
};

// A generated file.
class TextInode : public PseudoInode {
 public:
  using PseudoInode::PseudoInode;
  virtual Result<void> show(Formatter& out) = 0;
  virtual Result<void> store(std::string_view text);  // EIO: not to be written, whatever its mode
  virtual Result<void> may_open() { return {}; }      // beyond what the mode bits say
  Result<Ref<File>> open(uint32_t flags) override;
  Result<void> truncate(uint64_t size) override { return {}; }
};

// Inode numbers: a name in a directory keeps its own, however often it is looked up.
uint64_t pseudo_ino(uint64_t dir_ino, std::string_view name);

// A decimal number without leading zeros, as a name of a directory; -1: none.
int32_t name_as_number(std::string_view name);

}  // namespace lodge
