#include "vfs/devfs/devtmpfs.h"

#include "kernel/base/arena.h"
#include "vfs/devfs/mem_devices.h"

namespace lodge {
namespace {

struct Node {
  std::string_view name;
  uint32_t mode;
  uint64_t rdev;
  Gid gid;
};

constexpr Gid kTtyGroup = 5;
constexpr uint64_t mem(MemDevice d) {
  return abi::make_dev(kMemMajor, static_cast<uint32_t>(d));
}

constexpr Node kNodes[] = {
    {"null", abi::kTypeChar | 0666, mem(MemDevice::kNull), 0},
    {"zero", abi::kTypeChar | 0666, mem(MemDevice::kZero), 0},
    {"full", abi::kTypeChar | 0666, mem(MemDevice::kFull), 0},
    {"random", abi::kTypeChar | 0666, mem(MemDevice::kRandom), 0},
    {"urandom", abi::kTypeChar | 0666, mem(MemDevice::kUrandom), 0},
    {"kmsg", abi::kTypeChar | 0644, mem(MemDevice::kKmsg), 0},
    {"tty", abi::kTypeChar | 0666, abi::make_dev(5, 0), kTtyGroup},
    {"console", abi::kTypeChar | 0620, abi::make_dev(5, 1), kTtyGroup},
    {"ptmx", abi::kTypeChar | 0666, abi::make_dev(5, 2), kTtyGroup},
    {"tty0", abi::kTypeChar | 0620, abi::make_dev(4, 0), kTtyGroup},
    {"tty1", abi::kTypeChar | 0620, abi::make_dev(4, 1), kTtyGroup},
    {"pts", abi::kTypeDir | 0755, 0, 0},
    {"shm", abi::kTypeDir | 01777, 0, 0},
};

constexpr struct {
  std::string_view name, target;
} kLinks[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "fd/0"},
    {"stdout", "fd/1"},
    {"stderr", "fd/2"},
};

Result<void> fill(Inode& root) {
  SleepGuard guard(root.dir_lock);
  for (const Node& n : kNodes)
    TRY(root.create(n.name, {.mode = n.mode, .rdev = n.rdev, .uid = 0, .gid = n.gid}));
  for (auto& l : kLinks) TRY(root.symlink(l.name, l.target, {.mode = abi::kTypeSymlink | 0777}));
  return {};
}

struct Devtmpfs {
  static constexpr KernelPart kPart = KernelPart::kDevtmpfs;
  explicit Devtmpfs(Ref<TmpfsSuperblock> s) : sb(std::move(s)) {}
  Ref<TmpfsSuperblock> sb;
};

Result<Ref<Superblock>> mount_devtmpfs(const MountRequest&) {
  return Ref<Superblock>(kernel_part<Devtmpfs>().sb);
}

constexpr FsType kDevtmpfsType{"devtmpfs", mount_devtmpfs, {}};

}  // namespace

Result<void> register_devtmpfs(Vfs& vfs) {
  Ref<TmpfsSuperblock> sb = TRY(TmpfsSuperblock::create({.mode = 0755}));
  sb->set_type_name("devtmpfs");
  sb->permanent = true;
  TRY(fill(*sb->root()));
  UniquePtr<Devtmpfs> state = TRY(make_unique<Devtmpfs>(std::move(sb)));
  Kernel::current().set_part(*state.release());
  vfs.register_fs(kDevtmpfsType);
  return {};
}

}  // namespace lodge
