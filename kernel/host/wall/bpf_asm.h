// A small assembler for classic BPF that writes a program from its end to its start.
//
// BPF only jumps forward. Emitted last instruction first, every jump goes to something that exists already: a
// label is the return value of what was emitted, so it cannot be undefined, there is nothing to patch
// afterwards, and a distance is known when it is needed. A builder therefore reads as a decision is made,
// from its outcomes inwards: `auto yes = ret(...), no = ret(...); entry = load(off, jeq(k, yes, no));`
//
// Every instruction names what follows it. When that is not the neighbour, or is further away than the 8 bits
// of a conditional jump reach, a stub is put in between: a copy of the target if it is a return, else a long
// jump.
//
// Contract: writes only inside the span; emitting more than fits is counted, not stored, and finish() says
// so. Allocates nothing. Locks: none. Linux reference: net/core/filter.c (bpf_check_classic),
// kernel/seccomp.c.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace lodge {

class BpfAssembler {
 public:
  // An instruction's place counted from the end of the program: the last one is 1.
  struct Label {
    uint32_t from_end = 0;
  };

  explicit constexpr BpfAssembler(std::span<sock_filter> out) : out_(out) {}

  constexpr Label ret(uint32_t action) { return emit(BPF_RET | BPF_K, action); }

  // A = the 32-bit word at `offset` of struct seccomp_data.
  constexpr Label load(size_t offset, Label next) {
    return straight(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset), next);
  }
  constexpr Label load_constant(uint32_t k, Label next) { return straight(BPF_LD | BPF_IMM, k, next); }
  constexpr Label and_constant(uint32_t k, Label next) {
    return straight(BPF_ALU | BPF_AND | BPF_K, k, next);
  }
  // X = A
  constexpr Label copy_to_x(Label next) { return straight(BPF_MISC | BPF_TAX, 0, next); }
  // A <<= X, where X must be below 32.
  constexpr Label shift_by_x(Label next) { return straight(BPF_ALU | BPF_LSH | BPF_X, 0, next); }

  // Comparisons of A with k, unsigned.
  constexpr Label jeq(uint32_t k, Label yes, Label no) { return branch(BPF_JEQ, k, yes, no); }
  constexpr Label jge(uint32_t k, Label yes, Label no) { return branch(BPF_JGE, k, yes, no); }
  constexpr Label jgt(uint32_t k, Label yes, Label no) { return branch(BPF_JGT, k, yes, no); }
  // A & k is not zero.
  constexpr Label jset(uint32_t k, Label yes, Label no) { return branch(BPF_JSET, k, yes, no); }

  // Makes `entry` the first instruction and moves the program to the start of the span. Returns the number of
  // instructions, or -1 if they did not fit.
  constexpr int finish(Label entry) {
    make_last(entry);
    if (size_ > out_.size()) return -1;
    const size_t gap = out_.size() - size_;
    for (size_t i = 0; i < size_; i++) out_[i] = out_[gap + i];
    return static_cast<int>(size_);
  }

 private:
  static constexpr uint32_t kShortReach = 255;

  constexpr Label emit(uint16_t code, uint32_t k, uint8_t jt = 0, uint8_t jf = 0) {
    if (size_ < out_.size()) out_[out_.size() - 1 - size_] = {code, jt, jf, k};
    return {++size_};
  }

  // How many instructions lie between one emitted now and the target.
  constexpr uint32_t distance(Label target) const { return size_ - target.from_end; }

  constexpr Label stub(Label target) {
    if (target.from_end <= out_.size()) {
      const sock_filter at = out_[out_.size() - target.from_end];
      if (at.code == (BPF_RET | BPF_K)) return ret(at.k);
    }
    return emit(BPF_JMP | BPF_JA, distance(target));
  }

  constexpr void make_last(Label next) {
    if (distance(next) != 0) stub(next);
  }

  constexpr Label straight(uint16_t code, uint32_t k, Label next) {
    make_last(next);
    return emit(code, k);
  }

  // One short of the reach, because the other arm's stub may still come in between.
  constexpr Label within_reach(Label target) {
    return distance(target) < kShortReach ? target : stub(target);
  }

  constexpr Label branch(uint16_t test, uint32_t k, Label yes, Label no) {
    yes = within_reach(yes);
    no = within_reach(no);
    return emit(BPF_JMP | test | BPF_K, k, static_cast<uint8_t>(distance(yes)),
                static_cast<uint8_t>(distance(no)));
  }

  std::span<sock_filter> out_;
  uint32_t size_ = 0;
};

}  // namespace lodge
