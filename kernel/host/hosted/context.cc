// What a kernel context is in the hosted build: a host thread with a slot head of its own, and a panic that aborts.
#include <cstdio>
#include <cstdlib>

#include "kernel/base/panic.h"
#include "kernel/host/slot.h"

namespace lodge {

SlotHead& current_slot() {
  static thread_local SlotHead slot{.self = 0, .user_rsp = 0, .kernel_sp = 0, .magic = kSlotMagic, .held = {}};
  return slot;
}

void panic(const char* message, const char* file, int line) {
  std::fprintf(stderr, "panic: %s (%s:%d)\n", message, file, line);
  std::abort();
}

}  // namespace lodge
