// The task slot that current_slot() means on this host thread. By default each host thread has a plain Thread
// of its own; a test that needs a Task (or several contexts on one thread) sets another.
#pragma once
#include "kernel/host/slot.h"

namespace lodge {

class SlotScope {
 public:
  explicit SlotScope(SlotHead& slot);
  ~SlotScope();
  SlotScope(const SlotScope&) = delete;
  SlotScope& operator=(const SlotScope&) = delete;

 private:
  SlotHead* previous_;
};

}  // namespace lodge
