// Filling and comparing registers.
#include "storm/checked.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace storm {

extern "C" {
bool storm_has_avx = false;
}

namespace {

// Carry, parity, adjust, zero, sign, direction, overflow.
constexpr uint64_t kFlags = 0xcd5;
// `mov $nr,%eax` has five bytes, `syscall` two.
constexpr size_t kSiteSize = 7;

uint64_t fs_base() {
  uint64_t value;
  asm volatile("mov %%fs:0, %0" : "=r"(value));
  return value;
}

// A double that every x87 precision holds as it is.
double plain_double(uint64_t bits) {
  return static_cast<double>(static_cast<int32_t>(bits)) / 16;
}

}  // namespace

void broken(const char* format, ...) {
  char text[500];
  int n = snprintf(text, sizeof text, "storm: process %d, thread %d: ", getpid(), gettid());
  va_list args;
  va_start(args, format);
  n += vsnprintf(text + n, sizeof text - n, format, args);
  va_end(args);
  n = std::min<int>(n, sizeof text - 2);
  text[n++] = '\n';
  [[maybe_unused]] ssize_t done = write(STDERR_FILENO, text, n);
  _exit(1);
}

Checker::Checker(uint64_t seed) : random_(seed), fs_(fs_base()), in_(), out_() {}

void Checker::fill(const uint64_t* args, size_t count) {
  for (size_t i = 0; i < 6; i++) in_.args[i] = i < count ? args[i] : random_.next();
  for (uint64_t& one : in_.kept) one = random_.next();
  for (auto& vector : in_.vectors) {
    for (uint64_t& one : vector) one = random_.next();
  }
  uint64_t bits = random_.next();
  in_.flags = (bits & kFlags) | 0x202;
  // All exceptions masked; rounding and the sticky bits as they come.
  in_.mxcsr = 0x1f80 | (bits >> 16 & 0x603f);
  in_.x87_control = static_cast<uint16_t>(0x37f | (bits >> 32 & 0xc00));
  for (double& one : in_.x87) one = plain_double(random_.next());
}

void Checker::compare(const char* name, const void* site) {
  static const char* const kArgs[] = {"rdi", "rsi", "rdx", "r10", "r8", "r9"};
  static const char* const kKept[] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
  for (int i = 0; i < 6; i++) {
    if (in_.args[i] != out_.args[i])
      broken("%s changed %s: %#lx to %#lx", name, kArgs[i], in_.args[i], out_.args[i]);
    if (in_.kept[i] != out_.kept[i])
      broken("%s changed %s: %#lx to %#lx", name, kKept[i], in_.kept[i], out_.kept[i]);
  }
  uint64_t after = reinterpret_cast<uint64_t>(site) + kSiteSize;
  if (out_.rcx != after) broken("%s left rcx %#lx, not the return address %#lx", name, out_.rcx, after);
  if ((in_.flags ^ out_.flags) & kFlags)
    broken("%s changed the flags: %#lx to %#lx", name, in_.flags, out_.flags);
  if (in_.mxcsr != out_.mxcsr) broken("%s changed MXCSR: %#x to %#x", name, in_.mxcsr, out_.mxcsr);
  if (in_.x87_control != out_.x87_control) {
    broken("%s changed the x87 control word: %#x to %#x", name, in_.x87_control, out_.x87_control);
  }
  for (int i = 0; i < 2; i++) {
    if (in_.x87[i] != out_.x87[i]) broken("%s changed st(%d): %g to %g", name, i, in_.x87[i], out_.x87[i]);
  }
  size_t width = storm_has_avx ? 32 : 16;
  for (int i = 0; i < 16; i++) {
    if (memcmp(in_.vectors[i], out_.vectors[i], width) != 0) {
      broken("%s changed ymm%d: %#lx to %#lx ...", name, i, in_.vectors[i][0], out_.vectors[i][0]);
    }
  }
  if (fs_base() != fs_) broken("%s changed fs", name);
}

long Checker::run(const char* name, const void* site, const uint64_t* args, size_t count) {
  fill(args, count);
  long result = storm_checked_syscall(&in_, &out_, site);
  compare(name, site);
  return result;
}

void Checker::spin(uint64_t rounds) {
  uint64_t count = 0;
  double sum = 0;
  double long_sum = 0;
  asm volatile(
      "xor %%r10, %%r10\n\t"
      "mov $1, %%r9\n\t"
      "cvtsi2sd %%r9, %%xmm9\n\t"
      "xorpd %%xmm8, %%xmm8\n\t"
      "fldz\n\t"
      "mov %[rounds], %%rcx\n"
      "1:\n\t"
      "inc %%r10\n\t"
      "addsd %%xmm9, %%xmm8\n\t"
      "fld1\n\t"
      "faddp\n\t"
      "dec %%rcx\n\t"
      "jnz 1b\n\t"
      "mov %%r10, %[count]\n\t"
      "movsd %%xmm8, %[sum]\n\t"
      "fstpl %[long_sum]"
      : [count] "=r"(count), [sum] "=m"(sum), [long_sum] "=m"(long_sum)
      : [rounds] "r"(rounds)
      : "rcx", "r9", "r10", "xmm8", "xmm9", "cc", "st");
  double wanted = static_cast<double>(rounds);
  if (count != rounds || sum != wanted || long_sum != wanted) {
    broken("a loop of %lu rounds counted %lu, %g in SSE, %g in x87", rounds, count, sum, long_sum);
  }
}

}  // namespace storm
