#include "kernel/platform/direct/file_tree.h"

#include "kernel/base/arena.h"
#include "kernel/file/device_registry.h"
#include "kernel/ipc/fifo.h"
#include "kernel/mm/mm.h"
#include "vfs/core/name_ops.h"
#include "vfs/devfs/devtmpfs.h"
#include "vfs/devfs/mem_devices.h"
#include "vfs/devpts/devpts.h"
#include "vfs/ext4/fs_type.h"
#include "vfs/overlay/overlay.h"
#include "vfs/procfs/procfs.h"
#include "vfs/sysfs/sysfs.h"
#include "vfs/tmpfs/memfd.h"

namespace lodge {
namespace {

struct StandardMount {
  std::string_view type, at, options;
  uint64_t flags;
};

constexpr uint64_t kSafe = abi::kMsNosuid | abi::kMsNodev | abi::kMsNoexec;
constexpr StandardMount kStandardMounts[] = {
    {"proc", "/proc", "", kSafe},
    {"sysfs", "/sys", "", kSafe},
    {"devtmpfs", "/dev", "", abi::kMsNosuid},
    {"devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=000", abi::kMsNosuid | abi::kMsNoexec},
    {"tmpfs", "/dev/shm", "", abi::kMsNosuid | abi::kMsNodev},
    {"tmpfs", "/run", "mode=755", abi::kMsNosuid | abi::kMsNodev},
};

}  // namespace

Result<void> init_file_systems() {
  Vfs& vfs = *TRY(vfs_init());
  register_tmpfs(vfs);
  TRY(init_memfd(vfs));
  DeviceRegistry& devices = DeviceRegistry::current();
  devices.register_fifo(&open_fifo);
  TRY(register_mem_devices(devices));
  TRY(register_devtmpfs(vfs));
  TRY(register_devpts(vfs));
  TRY(register_procfs(vfs));
  register_sysfs(vfs);
  ext4::register_ext4(vfs);
  return {};
}

Result<void> mount_root_overlay(Ref<Superblock> image) {
  uint64_t half = kernel_part<MmSystem>().account.limit() / 2;
  Ref<TmpfsSuperblock> upper = TRY(TmpfsSuperblock::create({.max_pages = half, .mode = 0755}));
  Ref<OverlaySuperblock> root = TRY(OverlaySuperblock::create(std::move(image), std::move(upper)));
  return Vfs::current().mount_root(std::move(root), 0, "overlay");
}

Result<void> mount_standard_file_systems() {
  Vfs& vfs = Vfs::current();
  Path root = vfs.mounts().root();
  Ref<FsContext> fs = TRY(make<FsContext>(root, root, 0u));
  Ref<FdTable> fds = TRY(make<FdTable>());
  Ref<Cred> cred = TRY(make<Cred>());
  PathContext ctx{*fs, *fds, *cred};
  for (const StandardMount& m : kStandardMounts) {
    if (!vfs.find_fs(m.type)) continue;
    Path at = TRY(make_directories(ctx, m.at, 0755));
    MountRequest request{.source = m.type, .options = m.options, .flags = m.flags, .cred = cred.get()};
    TRY(vfs.mounts().attach(TRY(vfs.mount_fs(m.type, request)), at));
  }
  return {};
}

}  // namespace lodge
