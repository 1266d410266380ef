// poll(2) and select(2).
#pragma once
#include "kernel/abi/poll.h"
#include "kernel/abi/signal.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

struct FdSet;  // words of 64 bits, as many as the descriptors need
struct PollFds : UserInOut<abi::PollFd> {};
struct SigmaskArg;  // pselect6's last argument: address and size of a mask

Result<SyscallReturn> sys_poll(Task& task, PollFds fds, uint32_t count, int32_t timeout_ms);
Result<SyscallReturn> sys_ppoll(Task& task, PollFds fds, uint32_t count, UserInOut<abi::Timespec> timeout,
                                UserIn<abi::SigSet> sigmask, uint64_t sigmask_size);
Result<SyscallReturn> sys_select(Task& task, int32_t count, UserInOut<FdSet> in, UserInOut<FdSet> out,
                                 UserInOut<FdSet> except, UserInOut<abi::Timeval> timeout);
Result<SyscallReturn> sys_pselect6(Task& task, int32_t count, UserInOut<FdSet> in, UserInOut<FdSet> out,
                                   UserInOut<FdSet> except, UserInOut<abi::Timespec> timeout,
                                   UserIn<SigmaskArg> sigmask);

}  // namespace lodge
