// The first bytes of the arena: who it belongs to and where to find things, readable from the file alone
// (debugger, snapshots). Plain data; offsets count from the arena's start. Written once by Arena::format().
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge {

struct ArenaIdentity {
  uint8_t build_id[20] = {};  // of the lodge-kernel whose state this is
  uint32_t reserved = 0;
  uint64_t link_address = 0;  // where that kernel is linked
};

struct ArenaHeader {
  static constexpr uint64_t kMagic = 0x414e4552416f444c;  // "LDoARENA"
  static constexpr uint32_t kVersion = 1;

  uint64_t magic = kMagic;
  uint32_t version = kVersion;
  uint32_t header_size = 0;  // of the whole Arena object
  ArenaIdentity identity;
  uint64_t base = 0;  // address that it is mapped at
  uint64_t size = 0;
  uint64_t hot_size = 0;
};

}  // namespace lodge
