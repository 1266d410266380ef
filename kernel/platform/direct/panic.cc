// The end of a VPS by a bug of ours: the message goes to the monitor, every thread that comes by parks, and
// the monitor unwinds the kernel stacks out of the arena before it kills the VPS.
#include "kernel/base/panic.h"

#include "kernel/base/format.h"
#include "kernel/host/host.h"
#include "kernel/host/raw.h"
#include "kernel/host/signals.h"
#include "kernel/mailbox/mailbox.h"
#include "kernel/sched/thread.h"

namespace lodge {
namespace {

[[noreturn]] void report(const char* text, size_t length) {
  auto& m = *reinterpret_cast<mailbox::Mailbox*>(mailbox::kMailboxAddress);
  if (m.panicked.exchange(1) == 0) {
    size_t n = length < sizeof m.message ? length : sizeof m.message;
    __builtin_memcpy(m.message, text, n);
    m.message_length.store(static_cast<uint32_t>(n), std::memory_order_release);
    m.finished.store(3, std::memory_order_release);
    m.monitor_bell.fetch_add(1);
    host::futex_wake(m.monitor_bell, 1);
  }
  std::atomic<uint32_t> never{0};
  for (;;) (void)host::futex_wait(never, 0);
}

}  // namespace

void panic(const char* message, const char* file, int line) {
  char buffer[512];
  Formatter f(buffer);
  format(f, "{} ({}:{}), slot {}", message, file, line, current().slot_id);
  uint64_t* rbp = static_cast<uint64_t*>(__builtin_frame_address(0));
  for (int i = 0; i < 12 && rbp; i++) {
    uint64_t at = reinterpret_cast<uint64_t>(rbp);
    if ((at ^ reinterpret_cast<uint64_t>(&current_slot())) >= kSlotSize || at % 8) break;
    format(f, " {:x}", rbp[1]);
    rbp = reinterpret_cast<uint64_t*>(rbp[0]);
  }
  report(buffer, f.size());
}

void host::panic_fault(const FaultReport& r) {
  char buffer[512];
  Formatter f(buffer);
  format(f, "signal {} in kernel code at {:x}, address {:x}, slot {}:", r.signo, r.rip, r.address,
         current().slot_id);
  uint64_t* rbp = reinterpret_cast<uint64_t*>(r.rbp);
  for (int i = 0; i < 12 && rbp; i++) {
    uint64_t at = reinterpret_cast<uint64_t>(rbp);
    if ((at ^ reinterpret_cast<uint64_t>(&current_slot())) >= kSlotSize || at % 8) break;
    format(f, " {:x}", rbp[1]);
    rbp = reinterpret_cast<uint64_t*>(rbp[0]);
  }
  report(buffer, f.size());
}

}  // namespace lodge
