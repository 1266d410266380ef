// Arguments that are numbers.
#include <linux/futex.h>

#include "kernel/abi/fcntl.h"
#include "kernel/abi/ioctl.h"
#include "kernel/abi/mman.h"
#include "kernel/abi/termios.h"
#include "kernel/base/string.h"
#include "syscalls/strace/args.h"

namespace lodge {

namespace {
constexpr uint64_t kFutexCommandMask = ~uint64_t{FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};

uint32_t futex_command(const uint64_t* args) {
  return static_cast<uint32_t>(args[1] & kFutexCommandMask);
}
bool futex_moves(uint32_t command) {  // has a second futex
  return command == FUTEX_REQUEUE || command == FUTEX_CMP_REQUEUE || command == FUTEX_WAKE_OP ||
         command == FUTEX_CMP_REQUEUE_PI;
}
}  // namespace

bool FcntlArgument::present(const uint64_t* args, unsigned) {
  switch (static_cast<int>(args[1])) {
    case abi::kFGetfd:
    case abi::kFGetfl:
    case abi::kFGetown:
    case abi::kFGetsig:
    case abi::kFGetlease:
    case abi::kFGetpipeSz:
    case abi::kFGetSeals:
      return false;
    default:
      return true;
  }
}

bool FutexValue::present(const uint64_t* args, unsigned) {
  uint32_t c = futex_command(args);
  return c != FUTEX_LOCK_PI && c != FUTEX_LOCK_PI2 && c != FUTEX_UNLOCK_PI && c != FUTEX_TRYLOCK_PI;
}
bool FutexTimeout::present(const uint64_t* args, unsigned) {
  uint32_t c = futex_command(args);
  return c != FUTEX_WAKE && c != FUTEX_WAKE_BITSET && c != FUTEX_UNLOCK_PI && c != FUTEX_TRYLOCK_PI;
}
bool FutexSecond::present(const uint64_t* args, unsigned) {
  uint32_t c = futex_command(args);
  return futex_moves(c) || c == FUTEX_WAIT_REQUEUE_PI;
}
bool FutexThird::present(const uint64_t* args, unsigned) {
  uint32_t c = futex_command(args);
  return c == FUTEX_WAIT_BITSET || c == FUTEX_WAKE_BITSET || (futex_moves(c) && c != FUTEX_REQUEUE);
}

bool PrctlArgument::present(const uint64_t* args, unsigned index) {
  struct Arity {
    const char* option;
    unsigned arguments;
  };
  static constexpr Arity kFew[] = {{"PR_SET_PDEATHSIG", 1},
                                   {"PR_GET_PDEATHSIG", 1},
                                   {"PR_GET_DUMPABLE", 0},
                                   {"PR_SET_DUMPABLE", 1},
                                   {"PR_GET_KEEPCAPS", 0},
                                   {"PR_SET_KEEPCAPS", 1},
                                   {"PR_SET_NAME", 1},
                                   {"PR_GET_NAME", 1},
                                   {"PR_CAPBSET_READ", 1},
                                   {"PR_CAPBSET_DROP", 1},
                                   {"PR_GET_SECUREBITS", 0},
                                   {"PR_SET_SECUREBITS", 1},
                                   {"PR_SET_TIMERSLACK", 1},
                                   {"PR_GET_TIMERSLACK", 0},
                                   {"PR_SET_CHILD_SUBREAPER", 1},
                                   {"PR_GET_CHILD_SUBREAPER", 1},
                                   {"PR_GET_SECCOMP", 0},
                                   {"PR_GET_TSC", 1},
                                   {"PR_SET_TSC", 1},
                                   {"PR_GET_TID_ADDRESS", 1}};
  const char* name =
      strace::find_name(strace::names_of(static_cast<PrctlOptionTag*>(nullptr)).names, args[0]);
  if (name)
    for (const Arity& a : kFew)
      if (std::string_view(a.option) == name) return index <= a.arguments;
  return true;
}

}  // namespace lodge

namespace lodge::strace {

void print_arg(CallPrinter& p, Fd fd) {
  p.out.put(fd.v);
}
void print_arg(CallPrinter& p, DirFd fd) {
  if (fd.v == abi::kAtFdcwd)
    p.out.put("AT_FDCWD");
  else
    p.out.put(fd.v);
}
void print_arg(CallPrinter& p, Hex32 n) {
  put_hex(p.out, n.v);
}
void print_arg(CallPrinter& p, Signo s) {
  put_signal(p.out, s.v);
}

void print_arg(CallPrinter& p, OpenFlags flags) {
  static constexpr const char* kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
  p.out.put(kModes[flags.bits & abi::kOAccMode]);
  uint32_t rest = flags.bits & ~abi::kOAccMode;
  if (rest == 0) return;
  p.out.put('|');
  put_named(p.out, names_of(static_cast<OpenFlagsTag*>(nullptr)), rest);
}
void print_arg(CallPrinter& p, OpenMode mode) {
  put_permissions(p.out, mode.bits);
}
void print_arg(CallPrinter& p, FileMode mode) {
  put_mode(p.out, mode.bits);
}
void print_arg(CallPrinter& p, Permissions mode) {
  put_permissions(p.out, mode.bits);
}
void print_arg(CallPrinter& p, UnlinkFlags flags) {
  put_named(p.out, unlink_flag_names(), flags.bits);
}
void print_arg(CallPrinter& p, LinkFlags flags) {
  put_named(p.out, link_flag_names(), flags.bits);
}
void print_arg(CallPrinter& p, DeviceArg device) {
  put_device(p.out, device.v);
}
void print_arg(CallPrinter& p, FileOffset offset) {
  put_hex(p.out, offset.v);
}

void print_arg(CallPrinter& p, IoctlCommand command) {
  NameTable t = names_of(static_cast<IoctlCommand*>(nullptr));
  if (const char* name = find_name(t.names, command.v)) {
    p.out.put(name);
    return;
  }
  static constexpr const char* kDirections[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                                "_IOC_READ|_IOC_WRITE"};
  uint32_t c = command.v;
  format(p.out, "_IOC({}, 0x{:x}, 0x{:x}, ", kDirections[c >> 30], c >> 8 & 0xff, c & 0xff);
  put_hex(p.out, c >> 16 & 0x3fff);
  p.out.put(')');
}

void print_arg(CallPrinter& p, FutexOp op) {
  NameTable t = names_of(static_cast<FutexOpTag*>(nullptr));
  put_name(p.out, t.names, op.bits & kFutexCommandMask, t.unknown);
  if (op.has(FUTEX_PRIVATE_FLAG)) p.out.put("_PRIVATE");
  if (op.has(FUTEX_CLOCK_REALTIME)) p.out.put("|FUTEX_CLOCK_REALTIME");
}
void print_arg(CallPrinter& p, FutexValue value) {
  p.out.put(value.v);
}
void print_arg(CallPrinter& p, FutexThird third) {
  uint32_t c = futex_command(p.args());
  if (c != FUTEX_WAIT_BITSET && c != FUTEX_WAKE_BITSET)
    put_hex(p.out, third.v);
  else if (third.v == FUTEX_BITSET_MATCH_ANY)
    p.out.put("FUTEX_BITSET_MATCH_ANY");
  else
    put_hex(p.out, third.v);
}
void print_arg(CallPrinter& p, SchedulerPolicy policy) {
  NameTable t = names_of(static_cast<SchedulerPolicyTag*>(nullptr));
  put_name(p.out, t.names, static_cast<uint32_t>(policy.v & ~abi::kSchedResetOnFork), t.unknown);
  if (policy.v & abi::kSchedResetOnFork) p.out.put("|SCHED_RESET_ON_FORK");
}

void print_arg(CallPrinter& p, FcntlArgument argument) {
  switch (static_cast<int>(p.previous())) {
    case abi::kFSetfd:
      if (argument.v == abi::kFdCloexec)
        p.out.put("FD_CLOEXEC");
      else
        put_hex(p.out, argument.v);
      return;
    case abi::kFSetfl:
      print_arg(p, OpenFlags{static_cast<uint32_t>(argument.v)});
      return;
    case abi::kFDupfd:
    case abi::kFDupfdCloexec:
    case abi::kFSetown:
    case abi::kFSetpipeSz:
      p.out.put(static_cast<int32_t>(argument.v));
      return;
    case abi::kFSetsig:
      put_signal(p.out, static_cast<int>(argument.v));
      return;
    default:
      put_address(p.out, argument.v);
  }
}

namespace {

void put_termios(Formatter& out, const abi::Termios& t) {
  // The four that matter to who looks at a terminal, as strace shows them.
  struct Bit {
    const char* name;
    bool on;
  };
  constexpr uint32_t kOpost = 1, kIsig = 1, kIcanon = 2, kEcho = 010, kSpeedMask = 0x100f, kB38400 = 017;
  if ((t.cflag & kSpeedMask) == kB38400)
    out.put("{B38400");
  else
    format(out, "{{{:x}", t.cflag & kSpeedMask);
  for (Bit b : {Bit{"opost", (t.oflag & kOpost) != 0}, Bit{"isig", (t.lflag & kIsig) != 0},
                Bit{"icanon", (t.lflag & kIcanon) != 0}, Bit{"echo", (t.lflag & kEcho) != 0}})
    out.put(b.on ? " " : " -").put(b.name);
  out.put(" ...}");
}

}  // namespace

void print_arg(CallPrinter& p, IoctlArgument argument) {
  NameTable t = names_of(static_cast<IoctlCommand*>(nullptr));
  const char* found = find_name(t.names, static_cast<uint32_t>(p.previous()));
  std::string_view name = found ? found : "";
  bool filled = p.after() && !p.failed();
  if (name == "TIOCSWINSZ" || (name == "TIOCGWINSZ" && filled))
    put_user_value<abi::Winsize>(p.out, argument.v, [](Formatter& out, const abi::Winsize& w) {
      format(out, "{{ws_row={}, ws_col={}, ws_xpixel={}, ws_ypixel={}}}", w.rows, w.columns, w.x_pixels,
             w.y_pixels);
    });
  else if (has_prefix(name, "TCSETS") || (name == "TCGETS" && filled))
    put_user_value<abi::Termios>(p.out, argument.v, put_termios);
  else if (name == "TIOCSPGRP" || ((name == "TIOCGPGRP" || name == "FIONREAD" || name == "TIOCGPTN" ||
                                    name == "TIOCGSID" || name == "TIOCOUTQ") &&
                                   filled))
    put_user_value<int32_t>(p.out, argument.v, [](Formatter& out, int32_t n) { put_value(out, n); });
  else if (name == "TCFLSH" || name == "TIOCSCTTY" || name == "TCXONC")
    p.out.put(static_cast<int32_t>(argument.v));
  else if (name == "FIOCLEX" || name == "FIONCLEX" || name == "TIOCNOTTY")
    put_hex(p.out, argument.v);
  else
    put_address(p.out, argument.v);
}

void print_arg(CallPrinter& p, ArchPrctlArgument argument) {
  constexpr uint64_t kGetFs = 0x1003, kGetGs = 0x1004;
  bool gets = p.previous() == kGetFs || p.previous() == kGetGs;
  if (gets && p.after() && !p.failed())
    put_user_value<uint64_t>(p.out, argument.v,
                             [](Formatter& out, uint64_t n) { format(out, "[0x{:x}]", n); });
  else
    put_hex(p.out, argument.v);
}

void print_arg(CallPrinter& p, PrctlArgument argument) {
  const char* found = find_name(names_of(static_cast<PrctlOptionTag*>(nullptr)).names, p.arg(0));
  std::string_view option = found ? found : "";
  if (option == "PR_SET_NAME" || (option == "PR_GET_NAME" && p.after() && !p.failed()))
    put_user_string(p.out, argument.v);
  else if (option == "PR_SET_PDEATHSIG")
    put_signal(p.out, static_cast<int>(argument.v));
  else if (option == "PR_SET_DUMPABLE" || option == "PR_SET_KEEPCAPS" || option == "PR_SET_TIMERSLACK" ||
           option == "PR_SET_CHILD_SUBREAPER" || option == "PR_SET_NO_NEW_PRIVS")
    p.out.put(argument.v);
  else
    put_hex(p.out, argument.v);
}

}  // namespace lodge::strace
