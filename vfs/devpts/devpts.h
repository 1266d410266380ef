// devpts: the file system of pseudoterminals (pts(4)). Its root holds a node per pty whose master is open,
// named by its number, and `ptmx`; opening ptmx, or the device 5:2 anywhere, makes the next pty.
//
// One instance serves all mounts but those with the option `newinstance`: so a /dev/pts mounted in a chroot
// shows the ptys that /dev/ptmx makes there. (Linux makes each mount an instance and lets ptmx look for the
// pts directory beside it, which comes to the same for these.)
//
// References: an instance holds the nodes of open masters, a node its pty, a pty its instance: closing the
// master cuts the circle. Lock: the root inode's attr_lock (kInode) guards the table of ptys. Linux:
// fs/devpts/inode.c.
#pragma once
#include <optional>

#include "kernel/base/vector.h"
#include "kernel/file/anon_inode.h"
#include "kernel/tty/pty.h"
#include "vfs/core/vfs.h"

namespace lodge {

class Devpts;

struct DevptsOptions {
  std::optional<Uid> uid;  // of the nodes; otherwise their maker's
  std::optional<Gid> gid;
  uint32_t mode = 0600;
  uint32_t ptmx_mode = 0;
  uint32_t max = 4096;
  bool new_instance = false;
  Result<void> parse(std::string_view text);
};

// A character device of this file system: a slave, or ptmx.
class DevptsNode final : public AnonInode {
 public:
  DevptsNode(Superblock& sb, uint64_t ino, uint32_t permissions, Owner owner, uint64_t rdev, RefPtr<Pty> pty)
      : AnonInode(sb, ino, abi::kTypeChar | permissions, owner), rdev_(rdev), pty_(std::move(pty)) {}
  Result<void> get_attr(InodeAttr& out) override;
  Pty* pty() const { return pty_.get(); }  // null: ptmx

 private:
  const uint64_t rdev_;
  RefPtr<Pty> pty_;
};

class DevptsRoot final : public AnonInode {
 public:
  explicit DevptsRoot(Devpts& fs);
  Result<void> get_attr(InodeAttr& out) override;
  Result<Ref<Inode>> lookup(std::string_view name) override;
  Result<void> read_dir(uint64_t offset, DirSink& sink) override;
  bool cacheable() const override { return false; }
  bool revalidate(std::string_view name, Inode* cached) override;

  // The next free number, reserved. ENOSPC.
  Result<uint32_t> reserve(uint32_t max);
  void show(uint32_t index, Ref<DevptsNode> node);
  void hide(uint32_t index);
  void release(uint32_t index);
  RefPtr<DevptsNode> node(uint32_t index);

 private:
  Devpts& fs_;
  struct Entry {
    bool taken = false;
    RefPtr<DevptsNode> node;
  };
  Vector<Entry> entries_ GUARDED_BY(attr_lock_);
};

class Devpts final : public Superblock, public PtyOwner {
 public:
  static constexpr uint64_t kMagic = 0x1cd1;
  static Result<Ref<Devpts>> create(const DevptsOptions& options);
  explicit Devpts(const DevptsOptions& options);

  const char* type_name() const override { return "devpts"; }
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  Result<void> stat_fs(abi::Statfs& out) override;
  Result<void> remount(std::string_view options) override;
  void show_options(Formatter& out) override;

  Result<Ref<File>> open_master(Inode& inode, uint32_t flags);
  RefPtr<DevptsNode> node(uint32_t index) { return root_->node(index); }
  Ref<DevptsNode> ptmx() { return Ref<DevptsNode>(*ptmx_); }

  void keep() override { ref(); }
  void let_go() override { unref(); }
  void master_closed(Pty& pty) override { root_->hide(pty.index()); }
  void gone(uint32_t index) override { root_->release(index); }
  Result<Ref<File>> open_peer(Pty& pty, uint32_t flags) override;

 private:
  DevptsOptions options_;
  RefPtr<DevptsRoot> root_;
  RefPtr<DevptsNode> ptmx_;
};

// At boot: the file system type, and the devices 5:2 and 136:*.
Result<void> register_devpts(Vfs& vfs);

}  // namespace lodge
