// kill(2) and its relatives: whom a signal goes to, and who may send it. Signal 0 only asks.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/result.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"

namespace lodge {

Result<void> kill_process(Task& self, int32_t pid, const abi::SigInfo& info);
Result<void> kill_process(Task& self, Process& p, const abi::SigInfo& info);   // ESRCH once it was reaped
Result<void> kill_group(Task& self, int32_t group, const abi::SigInfo& info);  // 0: the caller's
Result<void> kill_all(Task& self, const abi::SigInfo& info);  // but init and the caller itself
// pid 0: whichever process the thread is in.
Result<void> kill_thread(Task& self, int32_t pid, int32_t tid, const abi::SigInfo& info);

}  // namespace lodge
