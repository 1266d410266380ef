#include "kernel/platform/console/console_driver.h"

#include "kernel/base/arena.h"
#include "kernel/host/host.h"

namespace lodge {

using mailbox::ByteRing;
using mailbox::kStreamBytes;

namespace {
size_t filled(const ByteRing& r) {
  uint32_t used = r.tail.load(std::memory_order_acquire) - r.head.load(std::memory_order_acquire);
  return used <= kStreamBytes ? used : 0;
}
}  // namespace

size_t ConsoleDriver::room() {
  ByteRing& r = the_mailbox().output;
  size_t room = kStreamBytes - filled(r);
  if (room == 0) r.writer_waits.store(1, std::memory_order_seq_cst);
  return room;
}

void ConsoleDriver::write(const char* bytes, size_t n) {
  ring_write(the_mailbox().output, {bytes, n});
}

// Whoever asks waits until all has left, so the monitor is to tell when it has taken something.
size_t ConsoleDriver::unsent() {
  ByteRing& r = the_mailbox().output;
  if (filled(r) == 0) return 0;
  r.writer_waits.store(1, std::memory_order_seq_cst);
  return filled(r);
}

void ConsoleDriver::input_wanted() {
  if (!input_blocked_.exchange(false)) return;
  mailbox::Mailbox& m = the_mailbox();
  m.events.fetch_or(mailbox::kEventStdin);
  m.kernel_bell.fetch_add(1);
  host::futex_wake(m.kernel_bell, 1);
}

void ConsoleDriver::serve() {
  ByteRing& in = the_mailbox().input;
  char buffer[512];
  while (size_t used = filled(in)) {
    // What the terminal does not take stays in the ring.
    uint32_t head = in.head.load(std::memory_order_relaxed), at = head % kStreamBytes;
    size_t n = used < sizeof buffer ? used : sizeof buffer;
    if (n > kStreamBytes - at) n = kStreamBytes - at;
    __builtin_memcpy(buffer, in.data + at, n);
    input_blocked_.store(true);
    size_t took = tty_->receive({buffer, n});
    in.head.store(head + static_cast<uint32_t>(took), std::memory_order_release);
    in.space_bell.fetch_add(1, std::memory_order_seq_cst);
    if (in.writer_waits.load(std::memory_order_seq_cst)) host::futex_wake(in.space_bell, 1);
    if (took < n) break;
    input_blocked_.store(false);
  }
  // Who runs a command at a terminal and goes, hangs up; an image's init has a console, whoever looks at it.
  // A terminal that is really gone is a SIGHUP to lodge, which ends the VPS in order.
  if (in.closed_in.load() && filled(in) == 0 && !the_mailbox().boot.init) tty_->hang_up();
  tty_->output_possible();
}

Result<void> init_console() {
  ConsoleState* s = TRY(make_raw<ConsoleState>());
  s->tty = TRY(make<ConsoleTty>(s->driver));
  s->driver.bind(*s->tty);
  uint32_t size = the_mailbox().winsize.load();
  if (size) s->tty->set_winsize({static_cast<uint16_t>(size), static_cast<uint16_t>(size >> 16), 0, 0});
  Kernel::current().set_part(*s);
  return {};
}

}  // namespace lodge
