// Arguments that point into guest memory.
#include <algorithm>

#include "kernel/abi/uio.h"
#include "syscalls/strace/args.h"

namespace lodge::strace {
namespace {

// A buffer that is there only if the call has filled it.
void put_filled(CallPrinter& p, UserAddr at, uint64_t n, Quote how) {
  if (p.failed())
    put_address(p.out, at);
  else
    put_user_bytes(p.out, at, n, how);
}

void put_iovecs(CallPrinter& p, UserAddr at, uint64_t count, uint64_t bytes) {
  put_user_array<abi::Iovec>(p.out, at, count, [&](Formatter& out, const abi::Iovec& v) {
    uint64_t n = std::min(v.length, bytes);
    bytes -= n;
    out.put("{iov_base=");
    put_user_bytes(out, v.base, n, Quote::kText);
    format(out, ", iov_len={}}}", v.length);
  });
}

}  // namespace

void print_arg(CallPrinter& p, Address at) {
  put_address(p.out, at.addr);
}
void print_arg(CallPrinter& p, UserString s) {
  put_user_path(p.out, s.addr);
}
void print_arg(CallPrinter& p, UserBuffer b) {
  put_user_bytes(p.out, b.addr, p.next(), Quote::kText);
}
void print_arg(CallPrinter& p, UserOutBuffer b) {
  uint64_t n = p.produced();
  // What is text for the caller ends with a NUL that counts (getcwd(2)).
  char last = 1;
  if (p.index == 0 && n > 0 && copy_from_user(&last, b.addr + n - 1, 1).ok() && last == 0)
    put_user_path(p.out, b.addr);
  else
    put_filled(p, b.addr, n, Quote::kText);
}
void print_arg(CallPrinter& p, UserOutNoise b) {
  put_filled(p, b.addr, p.produced(), Quote::kHex);
}

void print_arg(CallPrinter& p, UserDirents b) {
  put_address(p.out, b.addr);
  if (p.failed()) return;
  constexpr uint64_t kLengthAt = 16;  // d_reclen, in both layouts
  uint64_t entries = 0;
  for (uint64_t at = 0; at + kLengthAt < p.produced(); entries++) {
    auto length = get_user<uint16_t>(b.addr + at + kLengthAt);
    if (!length.ok() || *length == 0) break;
    at += *length;
  }
  format(p.out, " /* {} entries */", entries);
}

void print_arg(CallPrinter& p, UserResidence b) {
  constexpr uint64_t kPage = 4096;
  if (p.failed()) {
    put_address(p.out, b.addr);
    return;
  }
  put_user_array<uint8_t>(p.out, b.addr, (p.arg(1) + kPage - 1) / kPage,
                          [](Formatter& out, uint8_t page) { out.put(page & 1); });
}

void print_arg(CallPrinter& p, UserIovecs v) {
  put_iovecs(p, v.addr, p.next(), ~uint64_t{0});
}
void print_arg(CallPrinter& p, UserOutIovecs v) {
  if (p.failed())
    put_address(p.out, v.addr);
  else
    put_iovecs(p, v.addr, p.next(), p.produced());
}

void print_arg(CallPrinter& p, UserOffset offset) {
  if (p.after()) {
    if (offset.null() || p.failed()) return;
    p.out.put(" => ");
  }
  put_user_value<int64_t>(p.out, offset.addr, [](Formatter& out, int64_t n) { put_value(out, n); });
}

void print_arg(CallPrinter& p, FileTimes times) {
  put_user_array<abi::Timespec>(p.out, times.addr, 2, [](Formatter& out, const abi::Timespec& t) {
    constexpr int64_t kNow = 0x3fffffff, kOmit = 0x3ffffffe;
    if (t.nsec == kNow)
      out.put("UTIME_NOW");
    else if (t.nsec == kOmit)
      out.put("UTIME_OMIT");
    else
      put_value(out, t);
  });
}
void print_arg(CallPrinter& p, FileTimevals times) {
  put_user_array<Timeval>(p.out, times.addr, 2, [](Formatter& out, const Timeval& t) { put_value(out, t); });
}

void print_arg(CallPrinter& p, ExecArgv argv) {
  put_user_strings(p.out, argv.addr);
}
void print_arg(CallPrinter& p, ExecEnvp envp) {
  put_address(p.out, envp.addr);
  if (envp.null()) return;
  uint64_t n = count_user_strings(envp.addr);
  if (n == ~uint64_t{0})
    p.out.put(" /* unterminated */");
  else
    format(p.out, " /* {} var{} */", n, n == 1 ? "" : "s");
}

void print_arg(CallPrinter& p, SleepLeft left) {
  if (p.failed() && p.error() == Errno::EINTR)
    put_user_value<abi::Timespec>(p.out, left.addr,
                                  [](Formatter& out, const abi::Timespec& t) { put_value(out, t); });
  else
    put_address(p.out, left.addr);
}

void print_arg(CallPrinter& p, FutexTimeout timeout) {
  if (FutexSecond::present(p.args(), p.index))
    p.out.put(timeout.addr);
  else
    put_user_value<abi::Timespec>(p.out, timeout.addr,
                                  [](Formatter& out, const abi::Timespec& t) { put_value(out, t); });
}
void print_arg(CallPrinter& p, FutexSecond second) {
  put_address(p.out, second.addr);
}
void print_arg(CallPrinter& p, UserInOut<uint32_t> word) {
  put_address(p.out, word.addr);
}

void print_arg(CallPrinter& p, PollFds fds) {
  put_user_array<abi::PollFd>(p.out, fds.addr, p.next(),
                              [](Formatter& out, const abi::PollFd& f) { put_value(out, f); });
}
void print_arg(CallPrinter& p, EpollEvents events) {
  if (p.failed())
    put_address(p.out, events.addr);
  else
    put_user_array<abi::EpollEvent>(p.out, events.addr, p.produced(),
                                    [](Formatter& out, const abi::EpollEvent& e) { put_value(out, e); });
}

void put_fd_set(Formatter& out, UserAddr at, int count) {
  count = std::clamp(count, 0, abi::kFdSetSize);
  uint64_t words[abi::kFdSetSize / 64] = {};
  if (at == 0 || !copy_from_user(words, at, static_cast<size_t>((count + 63) / 64) * 8).ok()) {
    put_address(out, at);
    return;
  }
  out.put('[');
  bool any = false;
  for (int fd = 0; fd < count; fd++) {
    if (!(words[fd / 64] >> (fd % 64) & 1)) continue;
    if (any) out.put(' ');
    any = true;
    out.put(fd);
  }
  out.put(']');
}
void print_arg(CallPrinter& p, UserInOut<FdSet> set) {
  put_fd_set(p.out, set.addr, static_cast<int>(p.arg(0)));
}
void print_arg(CallPrinter& p, UserIn<SigmaskArg> mask) {
  struct Pointers {
    uint64_t set, size;
  };
  put_user_value<Pointers>(p.out, mask.addr, [](Formatter& out, const Pointers& m) {
    out.put("{sigmask=");
    put_user_value<abi::SigSet>(out, m.set, [](Formatter& o, const abi::SigSet& s) { put_value(o, s); });
    format(out, ", sigsetsize={}}}", m.size);
  });
}

void print_arg(CallPrinter& p, GroupsIn list) {
  put_user_array<Gid>(p.out, list.addr, p.previous(), [](Formatter& out, Gid g) { out.put(g); });
}
void print_arg(CallPrinter& p, GroupsOut list) {
  if (p.failed() || p.previous() == 0)
    put_address(p.out, list.addr);
  else
    put_user_array<Gid>(p.out, list.addr, p.produced(), [](Formatter& out, Gid g) { out.put(g); });
}

namespace {
void put_cpu_set(Formatter& out, UserAddr at, uint64_t bytes) {
  uint64_t mask = 0;
  if (at == 0 || !copy_from_user(&mask, at, std::min<uint64_t>(bytes, sizeof mask)).ok()) {
    put_address(out, at);
    return;
  }
  out.put('[');
  bool any = false;
  for (int cpu = 0; cpu < 64; cpu++) {
    if (!(mask >> cpu & 1)) continue;
    if (any) out.put(' ');
    any = true;
    out.put(cpu);
  }
  out.put(']');
}
}  // namespace
void print_arg(CallPrinter& p, CpuSetIn set) {
  put_cpu_set(p.out, set.addr, p.previous());
}
void print_arg(CallPrinter& p, CpuSetOut set) {
  if (p.failed())
    put_address(p.out, set.addr);
  else
    put_cpu_set(p.out, set.addr, p.produced());
}

void print_arg(CallPrinter& p, UserOut<WaitStatus> status) {
  if (p.failed() || p.value() == 0)
    put_address(p.out, status.addr);
  else
    put_user_value<WaitStatus>(p.out, status.addr, [](Formatter& out, WaitStatus s) {
      out.put('[');
      put_value(out, s);
      out.put(']');
    });
}

}  // namespace lodge::strace
