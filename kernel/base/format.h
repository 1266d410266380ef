// Text without allocation. A Formatter writes into a span of the caller's, or at the end of a String that
// grows:
//
//   char line[80];
//   Formatter out(line);
//   out.put("pipe:[").put(ino).put(']');
//   format(out, "{}: {:5} {:08x} {:<10}|", name, pid, address, state);
//
// What does not fit is dropped and remembered (truncated()). A placeholder is `{}` or
// `{:[fill][<|>][0][width][x|X|o|c]}`; their number and form are checked against the arguments when compiled.
// Arguments: integers, bool, char, strings, pointers, Errno, enums (as numbers), and what has `void
// describe(Formatter&) const`.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"

namespace lodge {

class String;

class Formatter {
 public:
  explicit Formatter(std::span<char> to) : begin_(to.data()), size_(0), capacity_(to.size()) {}
  explicit Formatter(String& to);  // appends; truncated() then means ENOMEM
  Formatter(const Formatter&) = delete;
  Formatter& operator=(const Formatter&) = delete;

  Formatter& put(std::string_view s);
  Formatter& put(const char* s) { return put(std::string_view(s)); }
  Formatter& put(char c) { return put(std::string_view(&c, 1)); }
  Formatter& put(bool b) { return put(b ? std::string_view("true") : std::string_view("false")); }
  template <std::integral I>
  Formatter& put(I n) {
    if constexpr (std::is_signed_v<I>)
      return put_signed(n);
    else
      return put_unsigned(n, 10);
  }
  Formatter& hex(uint64_t n, unsigned width = 0) { return put_padded(n, 16, width); }
  Formatter& octal(uint64_t n, unsigned width = 0) { return put_padded(n, 8, width); }
  Formatter& repeat(char c, size_t times);

  std::string_view view() const { return {begin_, size_}; }
  size_t size() const { return size_; }
  bool truncated() const { return truncated_; }
  void clear();

 private:
  Formatter& put_signed(int64_t n);
  Formatter& put_unsigned(uint64_t n, unsigned base);
  Formatter& put_padded(uint64_t n, unsigned base, unsigned width);
  bool make_room(size_t n);

  char* begin_;
  size_t size_;
  size_t capacity_;
  String* owner_ = nullptr;
  bool truncated_ = false;
};

// One argument of format(), its type forgotten.
struct FormatArg {
  enum class Kind : uint8_t { kSigned, kUnsigned, kChar, kBool, kString, kPointer, kErrno, kObject };
  Kind kind;
  union {
    int64_t i;
    uint64_t u;
    const void* object;
  };
  size_t length = 0;                                    // of a string
  void (*describe)(Formatter&, const void*) = nullptr;  // of an object

  template <typename T>
  static FormatArg of(const T& v) {
    FormatArg a;
    using D = std::decay_t<T>;
    if constexpr (std::is_same_v<D, bool>) {
      a.kind = Kind::kBool;
      a.u = v;
    } else if constexpr (std::is_same_v<D, char>) {
      a.kind = Kind::kChar;
      a.u = static_cast<unsigned char>(v);
    } else if constexpr (std::is_same_v<D, Errno>) {
      a.kind = Kind::kErrno;
      a.i = static_cast<int64_t>(v);
    } else if constexpr (std::is_enum_v<D>) {
      return of(static_cast<std::underlying_type_t<D>>(v));
    } else if constexpr (std::is_integral_v<D> && std::is_signed_v<D>) {
      a.kind = Kind::kSigned;
      a.i = v;
    } else if constexpr (std::is_integral_v<D>) {
      a.kind = Kind::kUnsigned;
      a.u = v;
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      std::string_view s = v;
      a.kind = Kind::kString;
      a.object = s.data();
      a.length = s.size();
    } else if constexpr (std::is_pointer_v<D>) {
      a.kind = Kind::kPointer;
      a.u = reinterpret_cast<uint64_t>(v);
    } else {
      a.kind = Kind::kObject;
      a.object = &v;
      a.describe = [](Formatter& out, const void* o) { static_cast<const T*>(o)->describe(out); };
    }
    return a;
  }
};

struct FormatSpec {
  char fill = ' ';
  bool left = false;
  bool aligned = false;  // a side was given
  char type = 0;         // x, X, o, c or none
  unsigned width = 0;
};

// Reads what stands between { and }; false if it is not of the form above.
constexpr bool parse_format_spec(std::string_view s, FormatSpec& spec) {
  size_t i = 0;
  if (s.empty()) return true;
  if (s[i++] != ':') return false;
  auto side = [](char c) { return c == '<' || c == '>'; };
  if (i + 1 < s.size() && side(s[i + 1])) spec.fill = s[i++];
  if (i < s.size() && side(s[i])) {
    spec.left = s[i++] == '<';
    spec.aligned = true;
  } else if (i < s.size() && s[i] == '0') {
    spec.fill = '0';
    i++;
  }
  for (; i < s.size() && s[i] >= '0' && s[i] <= '9'; i++)
    spec.width = spec.width * 10 + static_cast<unsigned>(s[i] - '0');
  if (i < s.size() && (s[i] == 'x' || s[i] == 'X' || s[i] == 'o' || s[i] == 'c')) spec.type = s[i++];
  return i == s.size() && spec.width <= 200;
}

template <typename... A>
class FormatString {
 public:
  consteval FormatString(const char* s) : text_(s) {
    size_t count = 0;
    for (size_t i = 0; i < text_.size(); i++) {
      if (text_[i] == '}') {
        if (i + 1 >= text_.size() || text_[++i] != '}') panic("a } alone");
        continue;
      }
      if (text_[i] != '{') continue;
      if (i + 1 < text_.size() && text_[i + 1] == '{') {
        i++;
        continue;
      }
      size_t end = i;
      while (end < text_.size() && text_[end] != '}') end++;
      FormatSpec spec;
      if (end == text_.size() || !parse_format_spec({text_.data() + i + 1, end - i - 1}, spec))
        panic("a placeholder of wrong form");
      count++;
      i = end;
    }
    if (count != sizeof...(A)) panic("as many placeholders as arguments are wanted");
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

void format_args(Formatter& out, std::string_view text, std::span<const FormatArg> args);

template <typename... A>
Formatter& format(Formatter& out, FormatString<std::type_identity_t<A>...> text, const A&... args) {
  if constexpr (sizeof...(A) == 0) {
    format_args(out, text.text(), {});
  } else {
    const FormatArg erased[] = {FormatArg::of(args)...};
    format_args(out, text.text(), erased);
  }
  return out;
}

}  // namespace lodge
