// Credentials (credentials(7), capabilities(7)): immutable and shared; a change makes a new object and swaps
// the task's reference.
#pragma once
#include <cstdint>

#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/vector.h"

namespace lodge {

using Uid = uint32_t;
using Gid = uint32_t;
using CapSet = uint64_t;

enum class Cap : uint8_t {
  kChown = 0,
  kDacOverride,
  kDacReadSearch,
  kFowner,
  kFsetid,
  kKill,
  kSetgid,
  kSetuid,
  kSetpcap,
  kLinuxImmutable,
  kNetBindService,
  kNetBroadcast,
  kNetAdmin,
  kNetRaw,
  kIpcLock,
  kIpcOwner,
  kSysModule,
  kSysRawio,
  kSysChroot,
  kSysPtrace,
  kSysPacct,
  kSysAdmin,
  kSysBoot,
  kSysNice,
  kSysResource,
  kSysTime,
  kSysTtyConfig,
  kMknod,
  kLease,
  kAuditWrite,
  kAuditControl,
  kSetfcap,
  kMacOverride,
  kMacAdmin,
  kSyslog,
  kWakeAlarm,
  kBlockSuspend,
  kAuditRead,
  kPerfmon,
  kBpf,
  kCheckpointRestore,
  kCount
};
constexpr CapSet kAllCaps = (1ull << static_cast<int>(Cap::kCount)) - 1;

class Cred : public RefCounted<Cred> {
 public:
  Uid uid = 0, euid = 0, suid = 0, fsuid = 0;
  Gid gid = 0, egid = 0, sgid = 0, fsgid = 0;
  CapSet effective = kAllCaps, permitted = kAllCaps, inheritable = 0, bounding = kAllCaps, ambient = 0;
  uint32_t securebits = 0;
  bool no_new_privs = false;
  Vector<Gid> groups;

  bool capable(Cap c) const { return (effective >> static_cast<int>(c)) & 1; }
  bool in_group(Gid g) const {
    if (g == fsgid) return true;
    for (Gid x : groups)
      if (x == g) return true;
    return false;
  }
  Result<Ref<Cred>> copy() const;
};

}  // namespace lodge
