// prctl(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using PrctlOption = Named<struct PrctlOptionTag>;
struct PrctlArgument : Named<struct PrctlArgumentTag, uint64_t> {  // as many as the option takes
  static bool present(const uint64_t* args, unsigned index);
};

Result<SyscallReturn> sys_prctl(Task& task, PrctlOption option, PrctlArgument a, PrctlArgument b,
                                PrctlArgument c, PrctlArgument d);

}  // namespace lodge
