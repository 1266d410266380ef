// vfork(2): the parent waits until the child has its own memory or is gone. The wait's state is counted apart
// from the child, which may be gone when the parent looks.
#pragma once
#include "kernel/base/ref.h"
#include "kernel/sched/wait.h"

namespace lodge {

struct VforkDone : RefCounted<VforkDone> {
  std::atomic<bool> done{false};
  WaitQueue waiters;
};

}  // namespace lodge
