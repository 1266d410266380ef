// The console: the terminal whose driver side is the mailbox, and so the terminal that `lodge run` was
// started on. kernel/mailbox implements TtyDriver and calls receive(), output_possible(), set_winsize() and
// hang_up().
#pragma once
#include "kernel/tty/tty.h"

namespace lodge {

class ConsoleTty final : public Tty {
 public:
  static constexpr uint32_t kMajor = 4, kMinor = 1;  // as Linux's first virtual terminal
  explicit ConsoleTty(TtyDriver& driver) : Tty(TtyKind::kConsole, driver, (kMajor << 8) | kMinor) {}
  std::string_view name(std::span<char>) const override { return "tty1"; }
};

}  // namespace lodge
