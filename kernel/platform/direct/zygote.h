// The zygote: a small process that does nothing but make fresh ones, for tasks that leave the memory they
// shared (vfork and exec). A task on its way there posts itself, then its old host thread ends; when the host
// has said so, the zygote clones, and the clone goes on as that task on its kernel stack.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/task/task.h"

namespace lodge {

struct ZygoteState {
  static constexpr KernelPart kPart = KernelPart::kZygote;
  static constexpr bool kHot = true;
  static constexpr uint32_t kMaxRequests = 256;
  Mutex lock{LockClass::kHost};
  std::atomic<uint32_t> bell{0};
  uint32_t head = 0, tail = 0;
  Task* requests[kMaxRequests];
};

[[noreturn]] void zygote_serve();

}  // namespace lodge
