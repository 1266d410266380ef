#include "kernel/tty/tty_file.h"

#include "kernel/base/format.h"
#include "kernel/file/calling_task.h"
#include "kernel/file/device_registry.h"
#include "kernel/tty/job_control.h"

namespace lodge {

void TtyFile::describe(Formatter& out) const {
  char name[16];
  out.put("/dev/").put(tty_->name(name));
}

Result<long> TtyFile::ioctl(uint32_t command, uint64_t argument) {
  return tty_->ioctl(command, argument, use(), current_cred(), *this);
}

Result<Ref<File>> open_tty(Inode& inode, Tty& tty, uint32_t flags, Acquire acquire, TtyFile::Hangup hangup) {
  uint32_t epoch = TRY(tty.open(current_cred()));
  auto file = make<TtyFile>(Ref<Inode>(inode), Ref<Tty>(tty), flags & ~abi::kONoctty, epoch, hangup);
  if (!file.ok()) {
    tty.close();
    return file.error();
  }
  if (acquire == Acquire::kUnlessNoctty && !(flags & abi::kONoctty) && (*file)->readable())
    tty.acquire_on_open();
  return Ref<File>(file.take());
}

namespace {

Result<Ref<File>> open_dev_tty(Inode& inode, uint64_t, uint32_t flags) {
  RefPtr<Tty> own = controlling_tty(current());
  if (!own) return Errno::ENXIO;
  return open_tty(inode, *own, flags, Acquire::kNever);
}

Result<Ref<File>> open_dev_console(Inode& inode, uint64_t, uint32_t flags) {
  RefPtr<Tty> console = kernel_part<TtyState>().console;
  if (!console) return Errno::ENODEV;
  return open_tty(inode, *console, flags, Acquire::kNever, TtyFile::Hangup::kImmune);
}

Result<Ref<File>> open_virtual_terminal(Inode& inode, uint64_t rdev, uint32_t flags) {
  RefPtr<Tty> console = kernel_part<TtyState>().console;
  if (!console) return Errno::ENXIO;
  Acquire acquire = abi::dev_minor(rdev) == 0 ? Acquire::kNever : Acquire::kUnlessNoctty;
  return open_tty(inode, *console, flags, acquire);
}

}  // namespace

void register_ttys() {
  DeviceRegistry& devices = DeviceRegistry::current();
  devices.register_chrdev("/dev/vc/0", 4, 0, 1, &open_virtual_terminal);
  devices.register_chrdev("/dev/tty", 5, 0, 0, &open_dev_tty);
  devices.register_chrdev("/dev/console", 5, 1, 1, &open_dev_console);
}

}  // namespace lodge
