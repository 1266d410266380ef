// For the tests of the outer wall: an interpreter of classic BPF as seccomp runs it, and the host's own
// checks of a program before it accepts one.
//
// Linux reference: net/core/filter.c (bpf_check_classic), kernel/seccomp.c (seccomp_check_filter).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace lodge::test {

// What an interpreter run leaves behind for coverage: for each instruction, the arms a jump took (bit 0: yes,
// bit 1: no; other instructions set bit 0), and which word of seccomp_data the accumulator was last loaded
// with.
struct BpfTrace {
  uint8_t arms[BPF_MAXINSNS] = {};
  int source[BPF_MAXINSNS] = {};
};

// Runs a program that bpf_complaint() finds nothing against. Returns the action.
inline uint32_t bpf_run(std::span<const sock_filter> program, const seccomp_data& data,
                        BpfTrace* trace = nullptr) {
  uint32_t a = 0, x = 0;
  int source = -1;
  for (size_t pc = 0;; pc++) {
    const sock_filter& in = program[pc];
    bool taken = true;
    switch (in.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        memcpy(&a, reinterpret_cast<const char*>(&data) + in.k, sizeof a);
        source = static_cast<int>(in.k);
        break;
      case BPF_LD | BPF_IMM:
        a = in.k;
        break;
      case BPF_MISC | BPF_TAX:
        x = a;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= in.k;
        break;
      case BPF_ALU | BPF_LSH | BPF_X:
        a <<= x & 31;
        break;
      case BPF_JMP | BPF_JA:
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        taken = a == in.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        taken = a >= in.k;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        taken = a > in.k;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        taken = (a & in.k) != 0;
        break;
      default:
        break;
    }
    if (trace) {
      trace->arms[pc] |= taken ? 1 : 2;
      trace->source[pc] = source;
    }
    if (in.code == (BPF_RET | BPF_K)) return in.k;
    if (BPF_CLASS(in.code) == BPF_JMP) pc += BPF_OP(in.code) == BPF_JA ? in.k : taken ? in.jt : in.jf;
  }
}

// Empty if the host would accept the program and bpf_run can run it, otherwise what is wrong with it.
inline std::string bpf_complaint(std::span<const sock_filter> program) {
  if (program.empty() || program.size() > BPF_MAXINSNS) return "bad length";
  for (size_t pc = 0; pc < program.size(); pc++) {
    const sock_filter& in = program[pc];
    std::string where = " at ";
    where += std::to_string(pc);
    const size_t after = program.size() - pc - 1;
    switch (in.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (in.k % 4 != 0 || in.k >= sizeof(seccomp_data)) return "bad load" + where;
        break;
      case BPF_LD | BPF_IMM:
      case BPF_MISC | BPF_TAX:
      case BPF_ALU | BPF_AND | BPF_K:
      case BPF_ALU | BPF_LSH | BPF_X:
      case BPF_RET | BPF_K:
        break;
      case BPF_JMP | BPF_JA:
        if (in.k >= after) return "jump out" + where;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
      case BPF_JMP | BPF_JGE | BPF_K:
      case BPF_JMP | BPF_JGT | BPF_K:
      case BPF_JMP | BPF_JSET | BPF_K:
        if (in.jt >= after || in.jf >= after) return "jump out" + where;
        break;
      default:
        return "unknown instruction" + where;
    }
  }
  return program.back().code == (BPF_RET | BPF_K) ? "" : "no return at the end";
}

}  // namespace lodge::test
