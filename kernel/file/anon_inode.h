// Inodes that have no name: those of pipes, and the one that eventfds, timerfds, signalfds and epoll sets
// share. They live in file systems that are never mounted.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/file/inode.h"

namespace lodge {

// st_dev of these file systems: low minors, which vfs/core does not give out.
constexpr uint64_t kAnonInodeDev = abi::make_dev(0, 2);
constexpr uint64_t kPipefsDev = abi::make_dev(0, 3);

class AnonSuperblock final : public Superblock {
 public:
  AnonSuperblock(const char* type, uint64_t magic_number, uint64_t device) : type_(type) {
    magic = magic_number;
    dev = device;
  }
  const char* type_name() const override { return type_; }
  Ref<Inode> root() override;  // there is none: a kernel bug
  Result<void> stat_fs(abi::Statfs& out) override;
  uint64_t next_ino() { return next_ino_.fetch_add(1, std::memory_order_relaxed); }

 private:
  const char* type_;
  std::atomic<uint64_t> next_ino_{1};
};

class AnonInode : public Inode {
 public:
  AnonInode(Superblock& sb, uint64_t ino, uint32_t mode, Owner owner);
  Result<void> get_attr(InodeAttr& out) override;
  Result<void> set_attr(const AttrChange& change) override;
  Owner owner() override {
    return {uid_.load(std::memory_order_relaxed), gid_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<Uid> uid_;
  std::atomic<Gid> gid_;
  Timespec created_;
};

struct AnonFileState {
  static constexpr KernelPart kPart = KernelPart::kAnonFiles;
  AnonSuperblock sb{"anon_inodefs", 0x09041934, kAnonInodeDev};
  AnonInode inode{sb, 1, 0600, {0, 0}};
};

// The inode of all files that are nothing but themselves (eventfd(2) and its like).
inline Ref<Inode> anon_inode() {
  return Ref<Inode>(kernel_part<AnonFileState>().inode);
}

}  // namespace lodge
