#include "kernel/base/string.h"

#include <cstring>

#include "kernel/base/arena.h"

namespace lodge {

String::~String() {
  arena_free(data_);
}

Result<String> String::copy(std::string_view s) {
  String r;
  TRY(r.assign(s));
  return r;
}

Result<void> String::reserve(size_t n) {
  if (data_ && n <= capacity_) return {};
  size_t wanted = (n + 1 + 15) & ~size_t{15};
  auto* to = static_cast<char*>(arena_alloc(wanted));
  if (!to) return Errno::ENOMEM;
  if (size_ != 0) std::memcpy(to, data_, size_);
  to[size_] = 0;
  arena_free(data_);
  data_ = to;
  capacity_ = static_cast<uint32_t>(wanted - 1);
  return {};
}

Result<void> String::assign(std::string_view s) {
  String r;
  TRY(r.append(s));
  *this = std::move(r);
  return {};
}

Result<void> String::append(std::string_view s) {
  if (s.empty()) return {};
  String old;  // lives until `s`, which may lie in it, has been copied
  if (size_ + s.size() > capacity_) {
    String bigger;
    size_t more = size_ + s.size(), half_more = capacity_ + capacity_ / 2;
    TRY(bigger.reserve(more > half_more ? more : half_more));
    std::memcpy(bigger.data_, c_str(), size_);
    bigger.size_ = size_;
    old = std::exchange(*this, std::move(bigger));
  }
  std::memmove(data_ + size_, s.data(), s.size());
  size_ += static_cast<uint32_t>(s.size());
  data_[size_] = 0;
  return {};
}

Result<void> String::resize(size_t n) {
  if (n <= size_) {
    truncate(n);
    return {};
  }
  TRY(reserve(n));
  std::memset(data_ + size_, 0, n - size_ + 1);
  size_ = static_cast<uint32_t>(n);
  return {};
}

void String::truncate(size_t n) {
  if (n >= size_) return;
  size_ = static_cast<uint32_t>(n);
  data_[n] = 0;
}

Result<uint64_t> parse_u64(std::string_view s) {
  unsigned base = 10;
  if (has_prefix(s, "0x") || has_prefix(s, "0X")) {
    base = 16;
    s.remove_prefix(2);
  }
  if (s.empty()) return Errno::EINVAL;
  uint64_t value = 0;
  for (char c : s) {
    unsigned digit = c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : 99;
    if (digit >= base) return Errno::EINVAL;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      return Errno::ERANGE;
  }
  return value;
}

Result<int64_t> parse_i64(std::string_view s) {
  bool negative = has_prefix(s, "-");
  if (negative || has_prefix(s, "+")) s.remove_prefix(1);
  uint64_t magnitude = TRY(parse_u64(s));
  uint64_t limit = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
  if (magnitude > limit) return Errno::ERANGE;
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

}  // namespace lodge
