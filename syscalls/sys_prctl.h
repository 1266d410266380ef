// prctl(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

Result<SyscallReturn> sys_prctl(Task& task, int32_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

}  // namespace lodge
