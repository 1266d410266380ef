#include "vfs/ext4/features.h"

#include <bit>

namespace lodge::ext4 {
namespace {

struct Feature {
  uint32_t bit;
  const char* name;
};

constexpr uint32_t kReadableIncompat =
    kIncompatFiletype | kIncompatRecover | kIncompatMetaBg | kIncompatExtents | kIncompat64Bit |
    kIncompatFlexBg | kIncompatEaInode | kIncompatCsumSeed | kIncompatLargedir | kIncompatInlineData;
constexpr Feature kIncompatNames[] = {
    {kIncompatCompression, "compression"},
    {kIncompatJournalDev, "journal_dev"},
    {kIncompatMmp, "mmp"},
    {kIncompatDirdata, "dirdata"},
    {kIncompatEncrypt, "encrypt"},
    {kIncompatCasefold, "casefold"},
};

// An unknown ro_compat bit never keeps a file system from being read. These are refused all the same: they
// change what a file's contents or blocks mean to somebody who later writes.
constexpr Feature kRefusedRoCompat[] = {{kRoHasSnapshot, "has_snapshot"},
                                        {kRoBigalloc, "bigalloc"},
                                        {kRoReplica, "replica"},
                                        {kRoVerity, "verity"}};

}  // namespace

Result<void> check_features(const SuperblockDisk& sb, MountError& error) {
  if (uint32_t unknown = sb.feature_incompat & ~kReadableIncompat; unknown != 0) {
    for (const Feature& f : kIncompatNames)
      if (unknown & f.bit)
        return error.refuse(Errno::EOPNOTSUPP, "the ext4 feature {} is not supported", f.name);
    return error.refuse(Errno::EOPNOTSUPP, "the unknown ext4 feature I{} is not supported",
                        std::countr_zero(unknown));
  }
  for (const Feature& f : kRefusedRoCompat)
    if (sb.feature_ro_compat & f.bit)
      return error.refuse(Errno::EOPNOTSUPP, "the ext4 feature {} is not supported", f.name);
  return {};
}

}  // namespace lodge::ext4
