// How long an x86-64 instruction is, and where control goes after it: what is needed to find, behind a system
// call site, bytes that nothing executes (patched_text.h).
//
// Reference: Intel SDM volume 2, chapter 2 (formats) and appendix A (opcode maps). Tested against Zydis.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace lodge {

struct Instruction {
  uint8_t length = 0;       // 0: not known, or cut off by the end of the bytes
  bool ends_flow = false;   // what follows is reached by a jump, if at all
  bool impossible = false;  // length 0: no instruction of 64-bit mode begins so
  bool filler = false;      // a nop of any length, or int3: what compilers fill gaps with
};

constexpr size_t kMaxInstructionLength = 15;

Instruction decode_instruction(std::span<const uint8_t> bytes);

// Where in `bytes`, which begin with an instruction, `length` bytes of filler lie that nothing falls into:
// they follow an instruction that ends the flow, and their run ends at a multiple of 16, as what precedes a
// function or a jump's target does. `address`: of the first byte. `usable` may refuse a place. Negative:
// nowhere.
template <typename F>
int find_filler(std::span<const uint8_t> bytes, uint64_t address, size_t length, F usable) {
  constexpr uint64_t kAlignment = 16;
  bool unreachable = false;
  for (size_t at = 0; at < bytes.size();) {
    Instruction i = decode_instruction(bytes.subspan(at));
    if (i.length == 0) return -1;
    if (!unreachable || !i.filler) {
      unreachable = i.ends_flow;
      at += i.length;
      continue;
    }
    size_t end = at;
    for (; i.filler; i = decode_instruction(bytes.subspan(end))) end += i.length;
    bool whole = end >= bytes.size() || i.length != 0;
    if (whole && (address + end) % kAlignment == 0 && end - at >= length && usable(at))
      return static_cast<int>(at);
    unreachable = false;
    at = end;
  }
  return -1;
}

// Where instructions surely begin in code that runs on to the end of `bytes` (which is the beginning of one):
// decoding from each of the first bytes in turn, as many as an instruction can be long, all ways have met
// there. One of them began right, and is not among those that are given up: that come to what is impossible,
// or miss the end. Negative: they do not meet, or something is not known.
int find_boundary(std::span<const uint8_t> bytes);

}  // namespace lodge
