// Structures of capget(2) and capset(2).
#pragma once
#include <cstdint>

namespace lodge::abi {

struct CapHeader {
  uint32_t version;
  int32_t pid;
};
struct CapData {  // versions 2 and 3 take two, low words first
  uint32_t effective, permitted, inheritable;
};
constexpr uint32_t kCapVersion1 = 0x19980330, kCapVersion2 = 0x20071026, kCapVersion3 = 0x20080522;

}  // namespace lodge::abi
