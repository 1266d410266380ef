// Syscalls after each of which every register is looked at.
//
// A Checker belongs to one thread (and a second one to its signal handler). It fills all registers with
// random values, makes the call and compares: what the ABI keeps has to be kept, rcx has to be the return
// address, fs still the thread's. A difference is reported and ends the process.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <type_traits>

#include "sites.h"

namespace storm {

struct alignas(64) State {
  uint64_t args[6];  // rdi, rsi, rdx, r10, r8, r9
  uint64_t kept[6];  // rbx, rbp, r12 to r15
  uint64_t rax;
  uint64_t rcx;
  uint64_t unused;
  uint64_t flags;
  uint64_t unused2;
  uint32_t mxcsr;
  uint16_t x87_control;
  uint16_t unused3;
  double x87[2];
  uint64_t pad[4];
  uint64_t vectors[16][4];
};
static_assert(offsetof(State, flags) == 120 && offsetof(State, mxcsr) == 136 && offsetof(State, x87) == 144);
static_assert(offsetof(State, vectors) == 192);

// xorshift64*: small, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x1234567) {
    for (int i = 0; i < 4; i++) next();
  }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  uint64_t below(uint64_t limit) { return (next() >> 11) % limit; }

 private:
  uint64_t state_;
};

// Reports and ends the process; async-signal-safe. The parent adds the seed.
[[noreturn, gnu::format(printf, 1, 2)]] void broken(const char* format, ...);

extern "C" {
extern bool storm_has_avx;
long storm_checked_syscall(const State* in, State* out, const void* site);
#define STORM_DECLARE(name) extern const char storm_site_##name[];
STORM_SITES(STORM_DECLARE)
#undef STORM_DECLARE
}

class Checker {
 public:
  explicit Checker(uint64_t seed);

  // The raw result: a negative errno when it failed.
  template <typename... Args>
  long call(const char* name, const void* site, Args... args) {
    uint64_t values[6] = {value_of(args)...};
    return run(name, site, values, sizeof...(Args));
  }
  Random& random() { return random_; }
  // Computes in registers, without any call, for so many rounds, and checks the outcome.
  void spin(uint64_t rounds);

 private:
  template <typename T>
  static uint64_t value_of(T value) {
    if constexpr (std::is_null_pointer_v<T>) {
      return 0;
    } else if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<uint64_t>(value);
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(value));
    }
  }
  long run(const char* name, const void* site, const uint64_t* args, size_t count);
  void fill(const uint64_t* args, size_t count);
  void compare(const char* name, const void* site);

  Random random_;
  uint64_t fs_;
  State in_;
  State out_;
};

}  // namespace storm

#define STORM_CALL(checker, name, ...) \
  ((checker).call(#name, ::storm::storm_site_##name __VA_OPT__(, ) __VA_ARGS__))
