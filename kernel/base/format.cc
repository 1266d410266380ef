#include "kernel/base/format.h"

#include <cstring>

#include "kernel/base/string.h"

namespace lodge {
namespace {

// Digits of n at the end of a buffer.
class Digits {
 public:
  Digits(uint64_t n, unsigned base, bool upper = false) {
    const char* alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
      text_[--start_] = alphabet[n % base];
      n /= base;
    } while (n != 0);
  }
  void prepend(char c) { text_[--start_] = c; }
  std::string_view view() const { return {text_ + start_, sizeof(text_) - start_}; }

 private:
  char text_[72];
  size_t start_ = sizeof(text_);
};

uint64_t magnitude(int64_t n) {
  return n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
}

void put_aligned(Formatter& out, const FormatSpec& spec, std::string_view s, bool is_number) {
  size_t padding = spec.width > s.size() ? spec.width - s.size() : 0;
  bool left = spec.aligned ? spec.left : !is_number;
  if (left) {
    out.put(s).repeat(spec.fill, padding);
    return;
  }
  if (is_number && !spec.aligned && spec.fill == '0' && !s.empty() &&
      s[0] == '-') {  // the sign before the zeros
    out.put('-');
    s.remove_prefix(1);
  }
  out.repeat(spec.fill, padding).put(s);
}

unsigned base_of(const FormatSpec& spec) {
  return spec.type == 0 ? 10 : spec.type == 'o' ? 8 : 16;
}

void put_arg(Formatter& out, const FormatSpec& spec, const FormatArg& a) {
  using Kind = FormatArg::Kind;
  if (spec.type == 'c' && (a.kind == Kind::kSigned || a.kind == Kind::kUnsigned || a.kind == Kind::kChar)) {
    char c = static_cast<char>(a.u);
    put_aligned(out, spec, {&c, 1}, false);
    return;
  }
  switch (a.kind) {
    case Kind::kSigned: {
      Digits d(magnitude(a.i), base_of(spec), spec.type == 'X');
      if (a.i < 0) d.prepend('-');
      put_aligned(out, spec, d.view(), true);
      return;
    }
    case Kind::kUnsigned:
      put_aligned(out, spec, Digits(a.u, base_of(spec), spec.type == 'X').view(), true);
      return;
    case Kind::kChar: {
      char c = static_cast<char>(a.u);
      put_aligned(out, spec, {&c, 1}, false);
      return;
    }
    case Kind::kBool:
      put_aligned(out, spec, a.u ? "true" : "false", false);
      return;
    case Kind::kString:
      put_aligned(out, spec, {static_cast<const char*>(a.object), a.length}, false);
      return;
    case Kind::kPointer: {
      Digits d(a.u, 16);
      d.prepend('x');
      d.prepend('0');
      put_aligned(out, spec, d.view(), true);
      return;
    }
    case Kind::kErrno: {
      const char* name = errno_name(static_cast<Errno>(a.i));
      if (name)
        put_aligned(out, spec, name, false);
      else
        put_aligned(out, spec, Digits(magnitude(a.i), 10).view(), true);
      return;
    }
    case Kind::kObject:
      a.describe(out, a.object);  // its width is its own affair
      return;
  }
}

}  // namespace

Formatter::Formatter(String& to)
    : begin_(to.data()), size_(to.size()), capacity_(to.capacity()), owner_(&to) {}

bool Formatter::make_room(size_t n) {
  if (capacity_ - size_ >= n) return true;
  if (!owner_) return false;
  size_t more = size_ + n, half_more = capacity_ + capacity_ / 2;
  bool ok = owner_->reserve(more > half_more ? more : half_more).ok();
  begin_ = owner_->data();
  capacity_ = owner_->capacity();
  return ok;
}

Formatter& Formatter::put(std::string_view s) {
  if (!make_room(s.size())) {
    truncated_ = true;
    s = substr(s, 0, capacity_ - size_);
  }
  if (!s.empty()) std::memcpy(begin_ + size_, s.data(), s.size());
  size_ += s.size();
  if (owner_) owner_->set_size(size_);
  return *this;
}

void Formatter::clear() {
  size_ = 0;
  if (owner_) owner_->clear();
  truncated_ = false;
}

Formatter& Formatter::repeat(char c, size_t times) {
  for (; times > 0; times--) put(c);
  return *this;
}

Formatter& Formatter::put_signed(int64_t n) {
  Digits d(magnitude(n), 10);
  if (n < 0) d.prepend('-');
  return put(d.view());
}

Formatter& Formatter::put_unsigned(uint64_t n, unsigned base) {
  return put(Digits(n, base).view());
}

Formatter& Formatter::put_padded(uint64_t n, unsigned base, unsigned width) {
  Digits d(n, base);
  if (width > d.view().size()) repeat('0', width - d.view().size());
  return put(d.view());
}

void format_args(Formatter& out, std::string_view text, std::span<const FormatArg> args) {
  size_t next = 0, plain = 0;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '{' && text[i] != '}') continue;
    out.put(substr(text, plain, i - plain));
    if (i + 1 < text.size() && text[i + 1] == text[i]) {
      plain = ++i;  // a doubled brace is one
      continue;
    }
    size_t end = i;
    while (end < text.size() && text[end] != '}') end++;
    FormatSpec spec;
    if (next >= args.size() || !parse_format_spec(substr(text, i + 1, end - i - 1), spec))
      panic("format: text that was not checked");
    put_arg(out, spec, args[next++]);
    i = end;
    plain = end + 1;
  }
  out.put(substr(text, plain));
}

}  // namespace lodge
