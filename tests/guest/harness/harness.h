// The harness of the guest tests: cases, checks, raw syscalls and the record of what was covered.
//
// Contract: a program links harness.cc and any number of files with TEST(name) {...}. Each case runs in a
// forked child with a time limit, its own process group and a fresh scratch directory as working directory; a
// failed check prints `file:line: ...` and the case goes on, a failed REQUIRE ends it. The last line is `ok
// N` or `FAILED N of M`. A case may fork: checks of any descendant count, because failures and coverage live
// in a shared mapping.
//
// What a case asserts is Linux's behaviour: every one passes on a Linux host, as root and as an ordinary
// user. It is then run inside Lodge, where it has to agree. Cases therefore never test where they run.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace guest {

using CaseBody = void (*)();

struct Case {
  Case(const char* name, CaseBody body, int limit_s);

  const char* name;
  CaseBody body;
  int limit_s;
  Case* next = nullptr;
};

struct Where {
  const char* file;
  int line;
};

// Reports a failed check; the case goes on.
[[gnu::format(printf, 2, 3)]] void fail(Where where, const char* format, ...);
// Ends the calling process of the case at once, with whatever has failed so far.
[[noreturn]] void give_up();
// Ends the case as skipped. Only for what the machine or the caller's privilege cannot offer.
[[noreturn]] void skip(const char* reason);
// Notes that `syscall` was seen to end with `error` (0: success).
void cover(const char* syscall, int error);

// `ENOENT` for 2; "ok" for 0.
std::string errno_name(int error);

template <typename T>
std::string show(const T& value) {
  if constexpr (std::is_convertible_v<T, std::string_view>) {
    return "\"" + std::string(std::string_view(value)) + "\"";
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else {
    return std::to_string(reinterpret_cast<uintptr_t>(value));
  }
}

template <typename A, typename B>
bool check_eq(Where where, const char* text, const A& a, const B& b) {
  bool same;
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
    same = static_cast<long long>(a) == static_cast<long long>(b);
  } else {
    same = a == b;
  }
  if (!same) fail(where, "%s: %s != %s", text, show(a).c_str(), show(b).c_str());
  return same;
}

inline bool check_errno(Where where, const char* syscall, const char* text, long result, int seen,
                        int wanted) {
  if (result == -1 && seen == wanted) {
    cover(syscall, wanted);
    return true;
  }
  fail(where, "%s: wanted %s, got %s", text, errno_name(wanted).c_str(),
       result == -1 ? errno_name(seen).c_str() : std::to_string(result).c_str());
  return false;
}

inline long check_ok(Where where, const char* syscall, const char* text, long result, int seen) {
  if (result == -1) {
    fail(where, "%s: failed with %s", text, errno_name(seen).c_str());
  } else {
    cover(syscall, 0);
  }
  return result;
}

template <typename T>
long register_value(T value) {
  if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else {
    return static_cast<long>(value);
  }
}

// One syscall, as `mov $nr,%eax; syscall`: the form of a libc's own sites, so that a kernel that patches such
// sites answers the first call from its trap and the later ones from its patch. Sets errno as libc does.
template <long Nr>
[[gnu::noinline]] long raw_syscall(long a, long b, long c, long d, long e, long f) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("mov %1, %%eax\n\tsyscall"
               : "=a"(result)
               : "i"(Nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  if (result < 0 && result > -4096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

template <long Nr, typename... Args>
long call(Args... args) {
  static_assert(sizeof...(Args) <= 6);
  long regs[6] = {register_value(args)...};
  return raw_syscall<Nr>(regs[0], regs[1], regs[2], regs[3], regs[4], regs[5]);
}

// An address that is never mapped, and one above all user addresses.
inline void* const kBadPointer = reinterpret_cast<void*>(8);
inline void* const kKernelPointer = reinterpret_cast<void*>(0xffff'8000'0000'0000ul);

}  // namespace guest

#define GUEST_HERE (::guest::Where{__FILE__, __LINE__})

// A case: it fails when it hangs for 30 s.
#define TEST(name) TEST_LIMIT(name, 30)
// A case that may take longer, or less long, than the usual.
#define TEST_LIMIT(name, seconds)                                 \
  static void test_##name();                                      \
  static ::guest::Case case_##name(#name, &test_##name, seconds); \
  static void test_##name()

// A raw syscall without a check.
#define SYS(syscall, ...) (::guest::call<SYS_##syscall>(__VA_ARGS__))
// A raw syscall that has to succeed; its value.
#define OK(syscall, ...)                                                                                \
  ([&] {                                                                                                \
    long guest_result = ::guest::call<SYS_##syscall>(__VA_ARGS__);                                      \
    return ::guest::check_ok(GUEST_HERE, #syscall, #syscall "(" #__VA_ARGS__ ")", guest_result, errno); \
  }())
// A raw syscall that has to fail with this errno.
#define FAILS(error, syscall, ...)                                                                        \
  ([&] {                                                                                                  \
    long guest_result = ::guest::call<SYS_##syscall>(__VA_ARGS__);                                        \
    return ::guest::check_errno(GUEST_HERE, #syscall, #syscall "(" #__VA_ARGS__ ")", guest_result, errno, \
                                error);                                                                   \
  }())
// The same for a libc call or any other expression that gives -1 and errno.
#define CHECK_ERRNO(syscall, expression, error)                                                 \
  ([&] {                                                                                        \
    static_assert(SYS_##syscall >= 0);                                                          \
    long guest_result = (long)(expression);                                                     \
    return ::guest::check_errno(GUEST_HERE, #syscall, #expression, guest_result, errno, error); \
  }())
#define CHECK_OK(syscall, expression)                                                 \
  ([&] {                                                                              \
    static_assert(SYS_##syscall >= 0);                                                \
    long guest_result = (long)(expression);                                           \
    return ::guest::check_ok(GUEST_HERE, #syscall, #expression, guest_result, errno); \
  }())

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) ::guest::fail(GUEST_HERE, "not true: %s", #condition); \
  } while (0)
#define CHECK_EQ(a, b) ::guest::check_eq(GUEST_HERE, #a " == " #b, (a), (b))
#define REQUIRE(condition)                                           \
  do {                                                               \
    if (!(condition)) {                                              \
      int guest_errno = errno;                                       \
      ::guest::fail(GUEST_HERE, "needed: %s (errno %s)", #condition, \
                    ::guest::errno_name(guest_errno).c_str());       \
      ::guest::give_up();                                            \
    }                                                                \
  } while (0)
