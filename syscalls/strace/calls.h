// How each call is printed, made from table.def and the handlers' parameter types: the printers of its
// arguments in order, and what its result looks like.
#pragma once
#include <cstdint>
#include <span>

#include "syscalls/strace/printer.h"

namespace lodge::strace {

enum class When : uint8_t { kBefore, kAfter, kBoth };

struct ArgPrinter {
  void (*print)(CallPrinter&);
  bool (*present)(const uint64_t* args, unsigned index);  // null: always
  When when;
};

struct CallFormat {
  std::span<const ArgPrinter> args;
  void (*result)(CallPrinter&);  // of a call that succeeded
};

const CallFormat& call_format(unsigned number);

}  // namespace lodge::strace
