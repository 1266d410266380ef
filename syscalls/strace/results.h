// What a successful call returned, and what strace says beside it. Each is chosen for its handlers in
// calls.cc.
#pragma once
#include "syscalls/strace/printer.h"

namespace lodge::strace {

void decimal_result(CallPrinter& p);
void address_result(CallPrinter& p);
void mode_result(CallPrinter& p);    // umask
void fcntl_result(CallPrinter& p);   // "0x1 (flags FD_CLOEXEC)"
void poll_result(CallPrinter& p);    // "1 ([{fd=0, revents=POLLIN}])"
void select_result(CallPrinter& p);  // "1 (in [3], left {…})"

}  // namespace lodge::strace
