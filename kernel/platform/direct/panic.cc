// The end of a VPS by a bug of ours: the message goes to the monitor, every thread that comes by parks, and
// the monitor unwinds the kernel stacks out of the arena before it kills the VPS.
#include "kernel/base/panic.h"

#include "kernel/base/format.h"
#include "kernel/host/host.h"
#include "kernel/host/parked.h"
#include "kernel/host/raw.h"
#include "kernel/host/signals.h"
#include "kernel/mailbox/mailbox.h"
#include "kernel/sched/thread.h"

namespace lodge {
namespace {

[[noreturn]] void report(const char* text, size_t length, void* frame) {
  auto& m = *reinterpret_cast<mailbox::Mailbox*>(mailbox::kMailboxAddress);
  host::parked_frame().store(reinterpret_cast<uint64_t>(frame), std::memory_order_release);
  if (m.panicked.exchange(1) == 0) {
    size_t n = length < sizeof m.message ? length : sizeof m.message;
    __builtin_memcpy(m.message, text, n);
    m.message_length.store(static_cast<uint32_t>(n), std::memory_order_release);
    m.finished.store(3, std::memory_order_release);
    m.monitor_bell.fetch_add(1);
    host::futex_wake(m.monitor_bell, 1);
  }
  host::park_for_good();
}

}  // namespace

void panic(const char* message, const char* file, int line) {
  char buffer[512];
  Formatter f(buffer);
  format(f, "{} ({}:{})", message, file, line);
  report(buffer, f.size(), __builtin_frame_address(0));
}

void host::panic_fault(const FaultReport& r) {
  char buffer[512];
  Formatter f(buffer);
  format(f, "signal {} in kernel code at {:x}, address {:x}", r.signo, r.rip, r.address);
  // As if the interrupted code had called: from here the walk goes on on its stack.
  uint64_t frame[2] = {r.rbp, r.rip};
  report(buffer, f.size(), frame);
}

}  // namespace lodge
