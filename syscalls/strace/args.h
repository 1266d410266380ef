// How each argument type of the handlers is printed: print_arg(printer, argument) for every parameter type in
// syscalls/sys_*.h, and put_value(out, structure) for what UserIn and UserOut point to. An overload that is
// missing falls back to what the type is made of: a number, or an address.
//
// Contract: as CallPrinter's. An argument whose type says kFilledByKernel is printed after the call, one that
// says kPrintedTwice both before and after it.
#pragma once
#include <concepts>
#include <type_traits>

#include "syscalls/strace/names_tables.h"
#include "syscalls/strace/printer.h"

namespace lodge::strace {

// What the guest's structures look like. values_*.cc
void put_value(Formatter& out, const abi::Timespec& t);
void put_value(Formatter& out, const abi::Timeval& t);
void put_value(Formatter& out, const Timeval& t);
void put_value(Formatter& out, const Utimbuf& t);
void put_value(Formatter& out, const abi::Timezone& t);
void put_value(Formatter& out, const abi::Itimerspec& t);
void put_value(Formatter& out, const abi::Itimerval& t);
void put_value(Formatter& out, const abi::Tms& t);
void put_value(Formatter& out, const abi::Stat& s);
void put_value(Formatter& out, const abi::Statx& s);
void put_value(Formatter& out, const abi::Statfs& s);
void put_value(Formatter& out, const OpenHowArg& how);
void put_value(Formatter& out, const FdPair& p);
void put_value(Formatter& out, const abi::Rlimit& l);
void put_value(Formatter& out, const abi::Rusage& r);
void put_value(Formatter& out, const abi::SigSet& s);
void put_value(Formatter& out, const abi::SigAction& a);
void put_value(Formatter& out, const abi::SigAltStack& s);
void put_value(Formatter& out, const abi::SigInfo& i);
void put_value(Formatter& out, const abi::Sigevent& e);
void put_value(Formatter& out, const abi::PollFd& p);
void put_value(Formatter& out, const abi::EpollEvent& e);
void put_value(Formatter& out, const abi::CloneArgs& a);
void put_value(Formatter& out, const abi::CapHeader& h);
void put_value(Formatter& out, const abi::CapData& d);
void put_value(Formatter& out, const abi::SchedParam& p);
void put_value(Formatter& out, const abi::SchedAttr& a);
void put_value(Formatter& out, const Utsname& u);
void put_value(Formatter& out, WaitStatus s);
template <std::integral T>
void put_value(Formatter& out, T n) {
  out.put('[').put(n).put(']');
}

// Numbers.
template <std::integral T>
void print_arg(CallPrinter& p, T n) {
  p.out.put(n);
}
template <typename Tag, typename Int>
void print_arg(CallPrinter& p, FlagWord<Tag, Int> word) {
  put_named(p.out, names_of(static_cast<Tag*>(nullptr)), word.bits);
}
template <typename Tag, typename Int>
void print_arg(CallPrinter& p, Named<Tag, Int> n) {
  put_named(p.out, names_of(static_cast<Tag*>(nullptr)), static_cast<uint64_t>(n.v));
}
template <typename T>
requires requires(T* t) {
  names_of(t);
  T{}.v;
}
void print_arg(CallPrinter& p, T n) {
  put_named(p.out, names_of(static_cast<T*>(nullptr)), static_cast<uint64_t>(n.v));
}
void print_arg(CallPrinter& p, Fd fd);
void print_arg(CallPrinter& p, DirFd fd);
void print_arg(CallPrinter& p, Hex32 n);
void print_arg(CallPrinter& p, Signo s);
void print_arg(CallPrinter& p, OpenFlags flags);
void print_arg(CallPrinter& p, OpenMode mode);
void print_arg(CallPrinter& p, FileMode mode);
void print_arg(CallPrinter& p, Permissions mode);
void print_arg(CallPrinter& p, UnlinkFlags flags);
void print_arg(CallPrinter& p, LinkFlags flags);
void print_arg(CallPrinter& p, DeviceArg device);
void print_arg(CallPrinter& p, FileOffset offset);
void print_arg(CallPrinter& p, IoctlCommand command);
void print_arg(CallPrinter& p, FutexOp op);
void print_arg(CallPrinter& p, FutexValue value);
void print_arg(CallPrinter& p, FutexThird third);
void print_arg(CallPrinter& p, SchedulerPolicy policy);
// What its neighbours decide on.
void print_arg(CallPrinter& p, FcntlArgument argument);
void print_arg(CallPrinter& p, IoctlArgument argument);
void print_arg(CallPrinter& p, ArchPrctlArgument argument);
void print_arg(CallPrinter& p, PrctlArgument argument);
// Guest memory.
void print_arg(CallPrinter& p, Address at);
void print_arg(CallPrinter& p, UserString s);
void print_arg(CallPrinter& p, UserBuffer b);
void print_arg(CallPrinter& p, UserOutBuffer b);
void print_arg(CallPrinter& p, UserOutNoise b);
void print_arg(CallPrinter& p, UserDirents b);
void print_arg(CallPrinter& p, UserResidence b);
void print_arg(CallPrinter& p, UserIovecs v);
void print_arg(CallPrinter& p, UserOutIovecs v);
void print_arg(CallPrinter& p, UserOffset offset);
void print_arg(CallPrinter& p, FileTimes times);
void print_arg(CallPrinter& p, FileTimevals times);
void print_arg(CallPrinter& p, ExecArgv argv);
void print_arg(CallPrinter& p, ExecEnvp envp);
void print_arg(CallPrinter& p, SleepLeft left);
void print_arg(CallPrinter& p, FutexTimeout timeout);
void print_arg(CallPrinter& p, FutexSecond second);
void print_arg(CallPrinter& p, UserInOut<uint32_t> word);
void print_arg(CallPrinter& p, PollFds fds);
void print_arg(CallPrinter& p, EpollEvents events);
void print_arg(CallPrinter& p, UserInOut<FdSet> set);
void print_arg(CallPrinter& p, UserIn<SigmaskArg> mask);
void print_arg(CallPrinter& p, GroupsIn list);
void print_arg(CallPrinter& p, GroupsOut list);
void print_arg(CallPrinter& p, CpuSetIn set);
void print_arg(CallPrinter& p, CpuSetOut set);
void print_arg(CallPrinter& p, UserOut<WaitStatus> status);

template <typename T>
void print_arg(CallPrinter& p, UserIn<T> from) {
  if constexpr (requires(T t) { put_value(p.out, t); })
    put_user_value<T>(p.out, from.addr, [](Formatter& out, const T& v) { put_value(out, v); });
  else
    put_address(p.out, from.addr);
}
template <typename T>
void print_arg(CallPrinter& p, UserOut<T> to) {
  if constexpr (requires(T t) { put_value(p.out, t); }) {
    if (!p.failed()) {
      put_user_value<T>(p.out, to.addr, [](Formatter& out, const T& v) { put_value(out, v); });
      return;
    }
  }
  put_address(p.out, to.addr);
}

// What stands behind the number that a call returned.
void put_fd_set(Formatter& out, UserAddr at, int count);

}  // namespace lodge::strace
