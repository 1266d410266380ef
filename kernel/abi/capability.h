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

// The attribute that holds a file's capabilities (struct vfs_ns_cap_data), little-endian. Revision 1 has one
// pair of words, revision 2 no root_uid.
struct FileCapabilities {
  uint32_t magic;  // revision, flags
  struct {
    uint32_t permitted, inheritable;
  } data[2];  // low words first
  uint32_t root_uid;
};
static_assert(sizeof(FileCapabilities) == 24);
constexpr char kFileCapabilitiesName[] = "security.capability";
constexpr uint32_t kFileCapRevisionMask = 0xff000000, kFileCapRevision1 = 0x01000000,
                   kFileCapRevision2 = 0x02000000, kFileCapRevision3 = 0x03000000, kFileCapEffective = 1;
constexpr uint32_t kFileCapSize1 = 12, kFileCapSize2 = 20;

}  // namespace lodge::abi
