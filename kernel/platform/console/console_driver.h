// The driver side of the console terminal: its bytes come from and go to the mailbox.
#pragma once
#include "kernel/mailbox/kernel_side.h"
#include "kernel/tty/console.h"

namespace lodge {

class ConsoleDriver final : public TtyDriver {
 public:
  size_t room() override;
  void write(const char* bytes, size_t n) override;
  size_t unsent() override;
  void input_wanted() override;

  void bind(ConsoleTty& tty) { tty_ = &tty; }
  ConsoleTty& tty() { return *tty_; }
  // From the mailbox thread: moves what has come, and tells of room. Not with the terminal's lock.
  void serve();

 private:
  ConsoleTty* tty_ = nullptr;
  std::atomic<bool> input_blocked_{false};
};

struct ConsoleState {
  static constexpr KernelPart kPart = KernelPart::kConsole;
  ConsoleDriver driver;
  RefPtr<ConsoleTty> tty;
  WaitQueue stream_waiters;  // readers and writers of the streams; woken by the mailbox thread
};
Result<void> init_console();

}  // namespace lodge
