// The host's signals, all caught on the slots' alternate stacks: how guest faults and trapping calls come in,
// how kicks are noted, and how faults in our own guest copies are resolved.
#pragma once
#include <cstdint>

namespace lodge::host {

void install_signal_handlers();  // once, in the zygote; inherited by all
// Makes the running host thread take its signals on the slot's alternate stack.
void use_alternate_stack();
// The machine context of an unrecoverable fault in kernel code, for the panic report.
struct FaultReport {
  uint64_t rip, rsp, rbp, address;
  int signo;
};
[[noreturn]] void panic_fault(const FaultReport& report);  // the platform's

}  // namespace lodge::host
