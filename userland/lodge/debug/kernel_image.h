// The lodge-kernel of a VPS as a file: its symbols and its DebugLayout. The file is our own and trusted as
// far as any program that one runs; a damaged one gives a Failure. No locks.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/mailbox/debug_layout.h"

namespace lodge {

class KernelImage {
 public:
  explicit KernelImage(int fd);  // borrowed, for the time of construction
  const DebugLayout& layout() const { return layout_; }
  bool is_code(uint64_t address) const { return address >= code_begin_ && address < code_end_; }
  // Of a return address: "lodge::panic(char const*, char const*, int)+0x1c", of the function that called,
  // which may end with the call; empty if no function is there.
  std::string describe_return(uint64_t address) const;
  std::string function_at(uint64_t address) const;  // without arguments and offset

 private:
  struct Symbol {
    uint64_t address, size;
    std::string name;
  };
  const Symbol* find(uint64_t address) const;
  std::vector<Symbol> functions_;  // by address
  uint64_t code_begin_ = ~uint64_t{0}, code_end_ = 0;
  DebugLayout layout_{};
};

}  // namespace lodge
