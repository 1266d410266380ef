// getrandom(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using GetrandomFlags = FlagWord<struct GetrandomFlagsTag>;
struct UserOutNoise : UserOutBuffer {};
Result<SyscallReturn> sys_getrandom(Task&, UserOutNoise to, uint64_t size, GetrandomFlags);

}  // namespace lodge
