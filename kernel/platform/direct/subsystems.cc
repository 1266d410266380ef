#include "kernel/platform/direct/subsystems.h"

#include "kernel/abi/mman.h"
#include "kernel/base/arena.h"
#include "kernel/base/kernel.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/base/uts.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/device_registry.h"
#include "kernel/file/epoll.h"
#include "kernel/host/guest_vdso.h"
#include "kernel/host/host.h"
#include "kernel/host/process.h"
#include "kernel/host/raw.h"
#include "kernel/ipc/pipe_file.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/page_file.h"
#include "kernel/platform/console/console_driver.h"
#include "kernel/platform/direct/boot.h"
#include "kernel/platform/direct/file_tree.h"
#include "kernel/task/futex.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"
#include "kernel/tty/tty_file.h"
#include "vfs/ext4/superblock.h"

namespace lodge {
namespace {

template <typename T, typename... A>
T& make_part(A&&... args) {
  auto made = make_raw<T>(std::forward<A>(args)...);
  if (!made.ok()) boot_failed("no memory for the kernel's parts");
  Kernel::current().set_part(**made);
  return **made;
}

void must(Result<void> r, const char* what) {
  if (!r.ok()) boot_failed(what, errno_name(r.error()));
}

// boot_failed wants a C string.
const char* error_text(const ext4::MountError& e) {
  auto* s = static_cast<char*>(arena_alloc(e.message().size() + 1));
  if (!s) return "";
  __builtin_memcpy(s, e.message().data(), e.message().size());
  s[e.message().size()] = 0;
  return s;
}

void mount_image(const mailbox::BootInfo& boot) {
  ext4::MountError error;
  auto sb = ext4::Ext4Superblock::mount(host::image_file(0), boot.image_size[0], {}, error);
  if (!sb.ok()) boot_failed("cannot mount the image", error_text(error));
  must(mount_root_overlay(Ref<Superblock>(**sb)), "cannot put an overlay over the image");
  must(mount_standard_file_systems(), "cannot mount the standard file systems");
}

}  // namespace

void init_subsystems(const mailbox::BootInfo& boot) {
  PageFile& pages = make_part<PageFile>(boot.page_file_size, boot.page_file_taken, boot.page_file_huge);
  MmSystem& mm = make_part<MmSystem>(pages, boot.memory_limit);
  if (!(boot.flags & mailbox::kBootTrapOnly)) mm.gate = host::fast_gate_address();
  mm.special[0] = {host::kGuestVdsoData, host::kGuestVdsoElf, abi::kProtRead, "[vvar]"};
  mm.special[1] = {host::kGuestVdsoElf, host::guest_vdso_end(), abi::kProtRead | abi::kProtExec, "[vdso]"};
  make_part<Random>(std::span(boot.seed));
  make_part<AnonFileState>();
  make_part<UtsNames>();
  make_part<TimerQueue>();
  make_part<Futexes>();
  make_part<EpollState>();
  make_part<PipeState>();
  make_part<DeviceRegistry>();
  make_part<TtyState>();
  auto log = LogRing::create();
  if (!log.ok()) boot_failed("no memory for the log");
  Kernel::current().set_part(**log);
  must(init_console(), "no memory for the console");
  kernel_part<TtyState>().console = RefPtr<Tty>(kernel_part<ConsoleState>().tty.get());
  register_ttys();
  must(init_file_systems(), "no memory for the file tree");
  mount_image(boot);
}

}  // namespace lodge
