#include "syscalls/strace/calls.h"

#include <array>

#include "syscalls/decode.h"
#include "syscalls/handlers.h"
#include "syscalls/strace/args.h"
#include "syscalls/strace/results.h"
#include "syscalls/table.h"

namespace lodge::strace {
namespace {

template <typename T>
void print_typed(CallPrinter& p) {
  print_arg(p, decode_argument<T>(p.arg(p.index)));
}

template <typename T>
constexpr ArgPrinter arg_printer() {
  ArgPrinter a{&print_typed<T>, nullptr, When::kBefore};
  if constexpr (requires { T::present; }) a.present = &T::present;
  if constexpr (requires { T::kFilledByKernel; }) a.when = When::kAfter;
  if constexpr (requires { T::kPrintedTwice; }) a.when = When::kBoth;
  // What these point to may be filled as well; their command says.
  if constexpr (std::is_same_v<T, IoctlArgument> || std::is_same_v<T, ArchPrctlArgument> ||
                std::is_same_v<T, PrctlArgument>)
    a.when = When::kAfter;
  return a;
}

template <auto Handler>
struct Typed;
template <typename... Args, Result<SyscallReturn> (*Handler)(Task&, Args...)>
struct Typed<Handler> {
  static constexpr std::array<ArgPrinter, sizeof...(Args)> kArgs{arg_printer<Args>()...};
};

// The order and the names that strace gives the arguments of clone(2).
void print_clone_stack(CallPrinter& p) {
  p.out.put("child_stack=");
  put_address(p.out, p.arg(1));
}
void print_clone_flags(CallPrinter& p) {
  uint64_t flags = p.arg(0) & ~abi::kCsignal;
  auto signo = static_cast<int>(p.arg(0) & abi::kCsignal);
  p.out.put("flags=");
  if (flags) print_arg(p, CloneFlags{flags});
  if (flags && signo) p.out.put('|');
  if (signo || !flags) put_signal(p.out, signo);
}
void print_clone_parent_tid(CallPrinter& p) {
  p.out.put("parent_tid=");
  if (p.failed())
    put_address(p.out, p.arg(2));
  else
    put_user_value<int32_t>(p.out, p.arg(2), [](Formatter& out, int32_t n) { put_value(out, n); });
}
void print_clone_tls(CallPrinter& p) {
  p.out.put("tls=");
  put_address(p.out, p.arg(4));
}
void print_clone_child_tid(CallPrinter& p) {
  p.out.put("child_tidptr=");
  put_address(p.out, p.arg(3));
}
template <uint64_t kFlags>
bool clone_has(const uint64_t* args, unsigned) {
  return (args[0] & kFlags) != 0;
}
constexpr ArgPrinter kCloneArgs[] = {
    {&print_clone_stack, nullptr, When::kBefore},
    {&print_clone_flags, nullptr, When::kBefore},
    {&print_clone_parent_tid, &clone_has<abi::kCloneParentSettid | abi::kClonePidfd>, When::kAfter},
    {&print_clone_tls, &clone_has<abi::kCloneSettls>, When::kAfter},
    {&print_clone_child_tid, &clone_has<abi::kCloneChildSettid | abi::kCloneChildCleartid>, When::kAfter}};

template <auto Handler, auto... Others>
constexpr bool kIsOneOf = (std::is_same_v<std::integral_constant<decltype(Handler), Handler>,
                                          std::integral_constant<decltype(Others), Others>> ||
                           ...);

template <auto Handler>
constexpr CallFormat format_of() {
  CallFormat f{Typed<Handler>::kArgs, &decimal_result};
  if (kIsOneOf<Handler, &sys_clone>) f.args = kCloneArgs;
  if (kIsOneOf<Handler, &sys_mmap, &sys_mremap, &sys_brk, &sys_personality>) f.result = &address_result;
  if (kIsOneOf<Handler, &sys_umask>) f.result = &mode_result;
  if (kIsOneOf<Handler, &sys_fcntl>) f.result = &fcntl_result;
  if (kIsOneOf<Handler, &sys_poll, &sys_ppoll>) f.result = &poll_result;
  if (kIsOneOf<Handler, &sys_select, &sys_pselect6>) f.result = &select_result;
  return f;
}

// Of a call without a handler nothing is known but its registers.
template <unsigned kIndex>
void print_register(CallPrinter& p) {
  put_hex(p.out, p.arg(kIndex));
}
constexpr ArgPrinter kRegisters[] = {
    {&print_register<0>, nullptr, When::kBefore}, {&print_register<1>, nullptr, When::kBefore},
    {&print_register<2>, nullptr, When::kBefore}, {&print_register<3>, nullptr, When::kBefore},
    {&print_register<4>, nullptr, When::kBefore}, {&print_register<5>, nullptr, When::kBefore}};

constexpr std::array<CallFormat, kSyscallCount> make_formats() {
  std::array<CallFormat, kSyscallCount> t{};
  for (CallFormat& f : t) f = {kRegisters, &decimal_result};
#define SYSCALL(number, name, level, note) t[number] = format_of<&sys_##name>();
#define REFUSED(number, name, error, reason)
#define MISSING(number, name)
#include "syscalls/table.def"
#undef SYSCALL
#undef REFUSED
#undef MISSING
  return t;
}

constexpr std::array<CallFormat, kSyscallCount> kFormats = make_formats();

}  // namespace

const CallFormat& call_format(unsigned number) {
  return kFormats[number];
}

}  // namespace lodge::strace
