#include "kernel/file/device_registry.h"

#include "kernel/file/file.h"

namespace lodge {

void DeviceRegistry::register_chrdev(const char* name, uint32_t major, uint32_t first_minor,
                                     uint32_t last_minor, Open open) {
  ASSERT(count_ < kMaxRanges);
  ranges_[count_++] = {name, major, first_minor, last_minor, open};
}

Result<Ref<File>> DeviceRegistry::open(Inode& inode, uint64_t rdev, uint32_t flags) const {
  switch (inode.mode() & abi::kTypeMask) {
    case abi::kTypeFifo:
      if (!fifo_) return Errno::ENXIO;
      return fifo_(inode, rdev, flags);
    case abi::kTypeChar: {
      uint32_t major = abi::dev_major(rdev), minor = abi::dev_minor(rdev);
      for (uint32_t i = 0; i < count_; i++)
        if (ranges_[i].major == major && minor >= ranges_[i].first_minor && minor <= ranges_[i].last_minor)
          return ranges_[i].open(inode, rdev, flags);
      return Errno::ENXIO;
    }
    default:
      return Errno::ENXIO;
  }
}

}  // namespace lodge
