#include "syscalls/strace/results.h"

#include "kernel/abi/fcntl.h"
#include "syscalls/strace/args.h"

namespace lodge::strace {

void decimal_result(CallPrinter& p) {
  p.out.put(p.value());
}
void address_result(CallPrinter& p) {
  put_hex(p.out, static_cast<uint64_t>(p.value()));
}
void mode_result(CallPrinter& p) {
  put_permissions(p.out, static_cast<uint32_t>(p.value()));
}

void fcntl_result(CallPrinter& p) {
  auto command = static_cast<int>(p.arg(1));
  auto value = static_cast<uint32_t>(p.value());
  if (command == abi::kFGetfd) {
    put_hex(p.out, value);
    if (value == abi::kFdCloexec) p.out.put(" (flags FD_CLOEXEC)");
  } else if (command == abi::kFGetfl) {
    put_hex(p.out, value);
    p.out.put(" (flags ");
    print_arg(p, OpenFlags{value});
    p.out.put(')');
  } else {
    p.out.put(p.value());
  }
}

void poll_result(CallPrinter& p) {
  p.out.put(p.value());
  if (p.value() == 0) p.out.put(" (Timeout)");
  if (p.value() <= 0) return;
  p.out.put(" ([");
  uint64_t left = p.produced();
  bool any = false;
  for (uint64_t i = 0; i < p.arg(1) && left > 0; i++) {
    auto f = get_user<abi::PollFd>(p.arg(0) + i * sizeof(abi::PollFd));
    if (!f.ok()) break;
    if (f->revents == 0) continue;
    left--;
    format(p.out, "{}{{fd={}, revents=", any ? ", " : "", f->fd);
    put_named(p.out, poll_event_names(), f->revents);
    p.out.put('}');
    any = true;
  }
  p.out.put("])");
}

void select_result(CallPrinter& p) {
  p.out.put(p.value());
  if (p.value() == 0) {
    p.out.put(" (Timeout)");
    return;
  }
  static constexpr const char* kSets[] = {"in", "out", "except"};
  bool any = false;
  for (unsigned set = 0; set < 3; set++) {
    if (p.arg(1 + set) == 0) continue;
    p.out.put(any ? ", " : " (").put(kSets[set]).put(' ');
    any = true;
    put_fd_set(p.out, p.arg(1 + set), static_cast<int>(p.arg(0)));
  }
  if (any) p.out.put(')');
}

}  // namespace lodge::strace
