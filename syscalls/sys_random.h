// getrandom(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using GetrandomFlags = FlagWord<struct GetrandomFlagsTag>;
Result<SyscallReturn> sys_getrandom(Task&, UserBuffer to, uint64_t size, GetrandomFlags);

}  // namespace lodge
