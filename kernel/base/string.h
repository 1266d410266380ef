// An owned string in the arena, and helpers for std::string_view that neither throw nor allocate. Growth
// returns Result. The bytes are followed by a NUL that does not count.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kernel/base/result.h"

namespace lodge {

class String {
 public:
  String() = default;
  String(String&& o)
      : data_(std::exchange(o.data_, nullptr)),
        size_(std::exchange(o.size_, 0)),
        capacity_(std::exchange(o.capacity_, 0)) {}
  String& operator=(String&& o) {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    std::swap(capacity_, o.capacity_);
    return *this;
  }
  ~String();
  static Result<String> copy(std::string_view s);
  Result<String> clone() const { return copy(view()); }

  std::string_view view() const { return {data_, size_}; }
  operator std::string_view() const { return view(); }
  const char* c_str() const { return data_ ? data_ : ""; }
  char* data() { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  char operator[](size_t i) const { return data_[i]; }

  Result<void> reserve(size_t n);  // room for n bytes and the NUL
  Result<void> assign(std::string_view s);
  Result<void> append(std::string_view s);
  Result<void> push_back(char c) { return append({&c, 1}); }
  Result<void> resize(size_t n);  // new bytes are zero
  void truncate(size_t n);
  void clear() { truncate(0); }
  // The caller has written up to n <= capacity() bytes through data().
  void set_size(size_t n) {
    size_ = static_cast<uint32_t>(n);
    if (data_) data_[n] = 0;
  }

  friend bool operator==(const String& a, std::string_view b) { return a.view() == b; }
  friend bool operator==(const String& a, const String& b) { return a.view() == b.view(); }

 private:
  char* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

constexpr size_t kNotFound = std::string_view::npos;

// s[from, from + n), cut to what there is.
constexpr std::string_view substr(std::string_view s, size_t from, size_t n = kNotFound) {
  if (from > s.size()) from = s.size();
  size_t rest = s.size() - from;
  return {s.data() + from, n < rest ? n : rest};
}
constexpr bool has_prefix(std::string_view s, std::string_view p) {
  return substr(s, 0, p.size()) == p;
}
constexpr bool has_suffix(std::string_view s, std::string_view p) {
  return s.size() >= p.size() && substr(s, s.size() - p.size()) == p;
}
constexpr std::string_view trim(std::string_view s) {
  auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}
// What comes before the first `separator`; `rest` becomes what follows it (empty if there is none).
constexpr std::string_view split_off(std::string_view& rest, char separator) {
  size_t at = 0;
  while (at < rest.size() && rest[at] != separator) at++;
  std::string_view head = substr(rest, 0, at);
  rest = substr(rest, at + 1);
  return head;
}
// A whole number in decimal, or with 0x in hexadecimal; EINVAL for anything else, ERANGE for what does not
// fit.
Result<uint64_t> parse_u64(std::string_view s);
Result<int64_t> parse_i64(std::string_view s);

}  // namespace lodge
