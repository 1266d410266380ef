// The memory devices (mem(4), null(4), random(4)): major 1.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/device_registry.h"

namespace lodge {

enum class MemDevice : uint32_t { kNull = 3, kZero = 5, kFull = 7, kRandom = 8, kUrandom = 9, kKmsg = 11 };
constexpr uint32_t kMemMajor = 1;

// What a mapping of /dev/zero maps: zeros of any length.
class ZeroInode final : public AnonInode {
 public:
  ZeroInode(Superblock& sb, uint64_t ino) : AnonInode(sb, ino, abi::kTypeChar | 0666, {0, 0}) {}
  uint64_t size() override { return ~0ull >> 1; }
  Result<MapExtent> map_extent(uint64_t, uint64_t max_length, MapIntent) override {
    return MapExtent{.zero = true, .length = max_length};
  }
};

struct MemDevices {
  static constexpr KernelPart kPart = KernelPart::kMemDevices;
  explicit MemDevices(AnonFileState& anon) : zero(anon.sb, anon.sb.next_ino()) {}
  ZeroInode zero;
};

// Makes the part and registers major 1.
Result<void> register_mem_devices(DeviceRegistry& devices);

}  // namespace lodge
