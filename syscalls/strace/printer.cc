#include "syscalls/strace/printer.h"

#include <algorithm>

#include "kernel/base/layout.h"

namespace lodge::strace {
namespace {

constexpr size_t kMaxPath = 4096;
constexpr size_t kPiece = 128;

void put_escaped(Formatter& out, const char* bytes, size_t n, char following) {
  for (size_t i = 0; i < n; i++) {
    auto c = static_cast<unsigned char>(bytes[i]);
    switch (c) {
      case '"':
      case '\\':
        out.put('\\').put(static_cast<char>(c));
        continue;
      case '\n':
        out.put("\\n");
        continue;
      case '\t':
        out.put("\\t");
        continue;
      case '\r':
        out.put("\\r");
        continue;
      case '\v':
        out.put("\\v");
        continue;
      case '\f':
        out.put("\\f");
        continue;
    }
    if (c >= ' ' && c < 0x7f) {
      out.put(static_cast<char>(c));
      continue;
    }
    // As few digits as leave no doubt about where the number ends.
    char next = i + 1 < n ? bytes[i + 1] : following;
    if (next >= '0' && next <= '9')
      format(out, "\\{:03o}", c);
    else
      format(out, "\\{:o}", c);
  }
}

// Reads what there is of [at, at + n), at most up to the end of a page at a time.
size_t read_piece(char* to, UserAddr at, size_t n) {
  size_t in_page = kPageSize - at % kPageSize;
  n = std::min(n, in_page);
  return n - copy_from_user_partial(to, at, n);
}

void put_string(Formatter& out, UserAddr at, size_t limit) {
  char piece[kPiece + 1];
  if (at == 0 || read_piece(piece, at, 1) == 0) {
    put_address(out, at);
    return;
  }
  out.put('"');
  size_t done = 0;
  bool ended = false, unreadable = false;
  while (!ended && done < limit) {
    size_t n = read_piece(piece, at + done, std::min(kPiece, limit - done));
    if (n == 0) {
      unreadable = true;
      break;
    }
    size_t length = 0;
    while (length < n && piece[length] != 0) length++;
    ended = length < n;
    char following = 0;
    if (!ended) (void)read_piece(&following, at + done + length, 1);
    put_escaped(out, piece, length, following);
    done += length;
  }
  out.put('"');
  if (!ended && !unreadable) ended = read_piece(piece, at + done, 1) == 1 && piece[0] == 0;
  if (!ended) out.put("...");
}

}  // namespace

void put_quoted(Formatter& out, const char* bytes, size_t n, Quote how) {
  out.put('"');
  if (how == Quote::kHex)
    for (size_t i = 0; i < n; i++) format(out, "\\x{:02x}", static_cast<unsigned char>(bytes[i]));
  else
    put_escaped(out, bytes, n, 0);
  out.put('"');
}

void put_address(Formatter& out, uint64_t address) {
  if (address == 0)
    out.put("NULL");
  else
    format(out, "0x{:x}", address);
}

void put_hex(Formatter& out, uint64_t n) {
  format(out, "{}{:x}", n ? "0x" : "", n);
}

void put_user_path(Formatter& out, UserAddr at) {
  put_string(out, at, kMaxPath);
}
void put_user_string(Formatter& out, UserAddr at) {
  put_string(out, at, kMaxShown);
}

void put_user_bytes(Formatter& out, UserAddr at, uint64_t n, Quote how) {
  char bytes[kMaxShown];
  size_t shown = std::min<uint64_t>(n, kMaxShown);
  if (at == 0 || !copy_from_user(bytes, at, shown).ok()) {
    put_address(out, at);
    return;
  }
  put_quoted(out, bytes, shown, how);
  if (n > shown) out.put("...");
}

void put_user_strings(Formatter& out, UserAddr at) {
  auto first = load_user64(at);
  if (at == 0 || !first.ok()) {
    put_address(out, at);
    return;
  }
  out.put('[');
  for (size_t i = 0;; i++) {
    auto string = load_user64(at + i * sizeof(uint64_t));
    if (string.ok() && *string == 0) break;
    if (i > 0) out.put(", ");
    if (!string.ok()) {
      format(out, "... /* 0x{:x} */", at + i * sizeof(uint64_t));
      break;
    }
    if (i == kMaxShown) {
      out.put("...");
      break;
    }
    put_user_string(out, *string);
  }
  out.put(']');
}

uint64_t count_user_strings(UserAddr at) {
  constexpr uint64_t kMost = 1 << 20;
  for (uint64_t n = 0; n < kMost; n++) {
    auto string = load_user64(at + n * sizeof(uint64_t));
    if (!string.ok()) break;
    if (*string == 0) return n;
  }
  return ~uint64_t{0};
}

}  // namespace lodge::strace
