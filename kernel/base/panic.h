// A kernel bug stops this VPS: panic() records the message, and every task parks; the monitor prints the
// stacks. ASSERT is for our own invariants and is never fed from guest input.
#pragma once

namespace lodge {

[[noreturn]] void panic(const char* message, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE());

#define ASSERT(cond)                              \
  do {                                            \
    if (!(cond)) [[unlikely]]                     \
      ::lodge::panic("assertion failed: " #cond); \
  } while (0)

#ifdef LODGE_LOCKDEP
  #define DEBUG_ASSERT(cond) ASSERT(cond)
#else
  #define DEBUG_ASSERT(cond) ((void)0)
#endif

}  // namespace lodge
