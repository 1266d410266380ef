// Signals: sigaction(2) and its family.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/abi/time.h"
#include "syscalls/types.h"

namespace lodge {

using SigmaskHow = Named<struct SigmaskHowTag>;

Result<SyscallReturn> sys_rt_sigaction(Task& task, Signo signo, UserIn<abi::SigAction> action,
                                       UserOut<abi::SigAction> old, uint64_t set_size);
Result<SyscallReturn> sys_rt_sigprocmask(Task& task, SigmaskHow how, UserIn<abi::SigSet> set,
                                         UserOut<abi::SigSet> old, uint64_t set_size);
Result<SyscallReturn> sys_rt_sigreturn(Task& task);
Result<SyscallReturn> sys_sigaltstack(Task& task, UserIn<abi::SigAltStack> stack,
                                      UserOut<abi::SigAltStack> old);
Result<SyscallReturn> sys_kill(Task& task, int32_t pid, Signo signo);
Result<SyscallReturn> sys_tkill(Task& task, int32_t tid, Signo signo);
Result<SyscallReturn> sys_tgkill(Task& task, int32_t pid, int32_t tid, Signo signo);
Result<SyscallReturn> sys_rt_sigqueueinfo(Task& task, int32_t pid, Signo signo, UserIn<abi::SigInfo> info);
Result<SyscallReturn> sys_rt_tgsigqueueinfo(Task& task, int32_t pid, int32_t tid, Signo signo,
                                            UserIn<abi::SigInfo> info);
Result<SyscallReturn> sys_pidfd_send_signal(Task& task, Fd pidfd, Signo signo, UserIn<abi::SigInfo> info,
                                            uint32_t flags);
Result<SyscallReturn> sys_rt_sigpending(Task& task, UserOut<abi::SigSet> set, uint64_t set_size);
Result<SyscallReturn> sys_rt_sigsuspend(Task& task, UserIn<abi::SigSet> mask, uint64_t set_size);
Result<SyscallReturn> sys_rt_sigtimedwait(Task& task, UserIn<abi::SigSet> set, UserOut<abi::SigInfo> info,
                                          UserIn<abi::Timespec> timeout, uint64_t set_size);
Result<SyscallReturn> sys_pause(Task& task);
Result<SyscallReturn> sys_restart_syscall(Task& task);

}  // namespace lodge
