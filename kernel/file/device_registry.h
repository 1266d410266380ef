// DeviceRegistry: who opens character devices and FIFOs. Drivers register ranges of device numbers at boot;
// the VFS asks here when a special file is opened, whatever file system its node stands in. Not locked:
// registration ends before the first guest runs.
#pragma once
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"

namespace lodge {

class File;
class Inode;

class DeviceRegistry {
 public:
  static constexpr KernelPart kPart = KernelPart::kCharDevices;
  static DeviceRegistry& current() { return kernel_part<DeviceRegistry>(); }

  // flags: open(2)'s. rdev: as abi::make_dev.
  using Open = Result<Ref<File>> (*)(Inode& inode, uint64_t rdev, uint32_t flags);

  // Minors first_minor .. last_minor of one major. `name` for /proc/devices.
  void register_chrdev(const char* name, uint32_t major, uint32_t first_minor, uint32_t last_minor,
                       Open open);
  void register_fifo(Open open) { fifo_ = open; }
  // ENXIO if nobody answers for it.
  Result<Ref<File>> open(Inode& inode, uint64_t rdev, uint32_t flags) const;
  template <typename F>  // f(name, major)
  void for_each(F f) const {
    for (uint32_t i = 0; i < count_; i++) f(ranges_[i].name, ranges_[i].major);
  }

 private:
  static constexpr uint32_t kMaxRanges = 32;
  struct Range {
    const char* name;
    uint32_t major, first_minor, last_minor;
    Open open;
  };
  Range ranges_[kMaxRanges] = {};
  uint32_t count_ = 0;
  Open fifo_ = nullptr;
};

}  // namespace lodge
