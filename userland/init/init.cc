// init: process 1 of a VPS that boots a command or a shell instead of the image's own init. The kernel
// carries this program in itself and starts it, without descriptors and with all signals blocked, together
// with its first child, the command (kernel/platform/direct/init.cc).
//
// It reaps what is orphaned. When the command ends, so does the VPS, with the command's status. SIGTERM and
// SIGHUP end the VPS in order: SIGTERM to all processes; SIGHUP to those still there after a second, since
// interactive shells ignore SIGTERM; SIGKILL after five. SIGINT, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on
// to the command's process group: `lodge run` gets them from its user.
//
// Freestanding, because one page of memory is enough for it. Blocked signals wait until they are asked for,
// so that none is lost between two looks.
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#include <cstdint>

namespace {

constexpr int kCommand = 2;  // the kernel makes it right after us
constexpr int kAll = -1;
constexpr int kNobodyLeft = -1;

// Out of line, so that the number is in a register and not in the instruction before: such a call site is not
// worth a patched copy of the program to the kernel.
[[gnu::noinline]] long call(long number, long a, long b = 0, long c = 0, long d = 0) {
  register long r10 asm("r10") = d;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
               : "rcx", "r11", "memory");
  return result;
}

void send(int whom, int signo) {
  call(__NR_kill, whom, signo);  // nobody there is fine
}

[[noreturn]] void leave(int status) {
  for (;;) call(__NR_exit_group, status);
}

int exit_code(int wait_status) {
  int signo = wait_status & 0x7f;
  return signo ? 128 + signo : (wait_status >> 8) & 0xff;
}

// The end of the VPS in order, step by step. The timer's signal is what comes next; a wait with a timeout
// would begin anew with each child that ends.
class Shutdown {
 public:
  bool asked() const { return asked_; }

  void begin() {
    if (asked_) return;
    asked_ = true;
    send(kAll, SIGTERM);
    send(kAll, SIGCONT);  // a stopped process cannot take it
    constexpr __kernel_old_itimerval kAfterOneThenEveryFour{{4, 0}, {1, 0}};
    call(__NR_setitimer, ITIMER_REAL, reinterpret_cast<long>(&kAfterOneThenEveryFour));
  }

  void go_on() {
    if (!asked_) return;  // somebody else's SIGALRM
    send(kAll, hung_up_ ? SIGKILL : SIGHUP);
    hung_up_ = true;
  }

 private:
  bool asked_ = false, hung_up_ = false;
};

// Reaps who has ended. Returns kNobodyLeft when there is no child any more, else 0.
int reap(int& command_status, bool& command_ended) {
  for (;;) {
    int status = 0;
    long pid = call(__NR_wait4, -1, reinterpret_cast<long>(&status), WNOHANG);
    if (pid == -ECHILD) return kNobodyLeft;
    if (pid <= 0) return 0;
    if (pid != kCommand) continue;
    command_status = status;
    command_ended = true;
  }
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void init_main() {
  Shutdown shutdown;
  int status = 0;
  bool ended = false;
  for (;;) {
    int left = reap(status, ended);
    if (left == kNobodyLeft || (ended && !shutdown.asked())) leave(exit_code(status));
    constexpr uint64_t kEverything = ~uint64_t{0};
    long signo = call(__NR_rt_sigtimedwait, reinterpret_cast<long>(&kEverything), 0, 0, sizeof kEverything);
    switch (signo) {
      case SIGTERM:
      case SIGHUP:
        shutdown.begin();
        break;
      case SIGINT:
      case SIGQUIT:
      case SIGUSR1:
      case SIGUSR2:
        send(-kCommand, static_cast<int>(signo));
        break;
      case SIGALRM:
        shutdown.go_on();
        break;
      default:  // SIGCHLD: reap; anything else is nothing to us
        break;
    }
  }
}

// The stack is aligned as the ABI has it before a call.
asm(".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  call init_main\n"
    "  hlt\n");
