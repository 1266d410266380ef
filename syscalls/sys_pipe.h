// pipe(2).
#pragma once
#include "syscalls/types.h"

namespace lodge {

struct FdPair {
  int32_t read_end;
  int32_t write_end;
};
using PipeFlags = FlagWord<struct PipeFlagsTag>;

Result<SyscallReturn> sys_pipe(Task& task, UserOut<FdPair> fds);
Result<SyscallReturn> sys_pipe2(Task& task, UserOut<FdPair> fds, PipeFlags flags);

}  // namespace lodge
