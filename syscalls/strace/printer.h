// What prints one call: the formatter, the registers, and how far the call is. And the ways in which guest
// memory is shown: strings, bytes, structures, arrays.
//
// Contract: runs in the context of the calling task, with no lock held, since reading guest memory may
// provide pages. Guest memory that cannot be read shows as its address.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/format.h"
#include "kernel/host/user_copy.h"
#include "syscalls/types.h"

namespace lodge::strace {

constexpr size_t kMaxShown = 32;  // bytes of a buffer, elements of an array

class CallPrinter {
 public:
  CallPrinter(Formatter& to, const uint64_t* args) : out(to), args_(args) {}

  Formatter& out;
  unsigned index = 0;  // of the argument being printed

  uint64_t arg(unsigned i) const { return args_[i]; }
  const uint64_t* args() const { return args_; }
  uint64_t next() const { return index < 5 ? args_[index + 1] : 0; }
  uint64_t previous() const { return index > 0 ? args_[index - 1] : 0; }

  void returned(const Result<SyscallReturn>& r) { result_ = &r; }
  bool after() const { return result_ != nullptr; }
  bool failed() const { return result_ && !result_->ok(); }
  Errno error() const { return result_->error(); }
  int64_t value() const { return result_ && result_->ok() ? (*result_).value().value() : 0; }
  // Of a transfer into the guest: bytes or elements that are there now.
  uint64_t produced() const { return value() > 0 ? static_cast<uint64_t>(value()) : 0; }

 private:
  const uint64_t* args_;
  const Result<SyscallReturn>* result_ = nullptr;
};

enum class Quote : uint8_t { kText, kHex };
void put_quoted(Formatter& out, const char* bytes, size_t n, Quote how = Quote::kText);
void put_address(Formatter& out, uint64_t address);  // "NULL", "0x7f…"
void put_hex(Formatter& out, uint64_t n);            // "0", "0x10"

void put_user_path(Formatter& out, UserAddr at);                          // whole
void put_user_string(Formatter& out, UserAddr at);                        // up to kMaxShown
void put_user_bytes(Formatter& out, UserAddr at, uint64_t n, Quote how);  // up to kMaxShown
void put_user_strings(Formatter& out, UserAddr at);                       // argv
uint64_t count_user_strings(UserAddr at);                                 // envp; ~0 if unreadable

// put(out, T) for what stands at `at`.
template <typename T, typename Put>
void put_user_value(Formatter& out, UserAddr at, Put put) {
  T value;
  if (at == 0 || !copy_from_user(&value, at, sizeof value).ok())
    put_address(out, at);
  else
    put(out, value);
}

template <typename T, typename Put>
void put_user_array(Formatter& out, UserAddr at, uint64_t count, Put put) {
  T value;
  if (at == 0 || (count != 0 && !copy_from_user(&value, at, sizeof value).ok())) {
    put_address(out, at);
    return;
  }
  out.put('[');
  for (uint64_t i = 0; i < count; i++) {
    if (i > 0) out.put(", ");
    if (i == kMaxShown) {
      out.put("...");
      break;
    }
    if (!copy_from_user(&value, at + i * sizeof value, sizeof value).ok()) {
      format(out, "... /* 0x{:x} */", at + i * sizeof value);
      break;
    }
    put(out, value);
  }
  out.put(']');
}

}  // namespace lodge::strace
