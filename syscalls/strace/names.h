// Numbers that have names: the tables behind flags, commands and signals in a trace. Pure functions over
// constant tables; no locks. The names and numbers are the host headers' own (linux/*.h), so that no second
// list can disagree.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/format.h"

namespace lodge::strace {

struct Name {
  const char* name;
  uint64_t value;
};
using Names = std::span<const Name>;
#define STRACE_NAME(constant) \
  { #constant, static_cast < uint64_t>(constant) }

// "A|B", with what has no name in hexadecimal behind it; "0" for none. A table lists what contains others
// first. `unknown` is the comment beside a word of which nothing is known.
void put_flags(Formatter& out, Names names, uint64_t bits, std::string_view unknown);
// The one name of a value, or the value and `unknown` as a comment.
void put_name(Formatter& out, Names names, uint64_t value, std::string_view unknown);
const char* find_name(Names names, uint64_t value);

void put_signal(Formatter& out, int signo);           // "SIGINT", "SIGRT_3"
void put_signal_set(Formatter& out, uint64_t set);    // "[INT CHLD]", "~[]"
std::string_view error_message(int number);           // "No such file or directory"; empty if unknown
void put_mode(Formatter& out, uint32_t mode);         // "S_IFREG|0644"
void put_permissions(Formatter& out, uint32_t mode);  // "0644"
void put_device(Formatter& out, uint64_t device);     // "makedev(0x1, 0x3)"

}  // namespace lodge::strace
