// The line discipline's output side: mapping of what programs write, and echo.
#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/tty/ldisc.h"

namespace lodge {

abi::Termios default_termios() {
  abi::Termios t{};
  t.iflag = abi::kIcrnl | abi::kIxon;
  t.oflag = abi::kOpost | abi::kOnlcr;
  t.cflag = abi::kB38400 | abi::kCs8 | abi::kCread | abi::kHupcl;
  t.lflag = abi::kIsig | abi::kIcanon | abi::kEcho | abi::kEchoe | abi::kEchok | abi::kEchoctl |
            abi::kEchoke | abi::kIexten;
  t.cc[abi::kVintr] = 'C' - '@';
  t.cc[abi::kVquit] = '\\' - '@';
  t.cc[abi::kVerase] = 0x7f;
  t.cc[abi::kVkill] = 'U' - '@';
  t.cc[abi::kVeof] = 'D' - '@';
  t.cc[abi::kVmin] = 1;
  t.cc[abi::kVstart] = 'Q' - '@';
  t.cc[abi::kVstop] = 'S' - '@';
  t.cc[abi::kVsusp] = 'Z' - '@';
  t.cc[abi::kVreprint] = 'R' - '@';
  t.cc[abi::kVdiscard] = 'O' - '@';
  t.cc[abi::kVwerase] = 'W' - '@';
  t.cc[abi::kVlnext] = 'V' - '@';
  return t;
}

size_t LineDiscipline::output_width(uint8_t c) const {
  if (c == '\n' && has_o(abi::kOnlcr)) return 2;
  if (c == '\t' && (termios_.oflag & abi::kTabdly) == abi::kXtabs) return 8 - column_ % 8;
  return 1;
}

// Writes to `to` what becomes of c under OPOST, and keeps the column.
size_t LineDiscipline::map_output(uint8_t c, char* to) {
  switch (c) {
    case '\n':
      if (has_o(abi::kOnlret)) column_ = 0;
      if (!has_o(abi::kOnlcr)) {
        canon_column_ = column_;
        break;
      }
      column_ = canon_column_ = 0;
      to[0] = '\r';
      to[1] = '\n';
      return 2;
    case '\r':
      if (has_o(abi::kOnocr) && column_ == 0) return 0;
      if (has_o(abi::kOcrnl)) {
        c = '\n';
        if (has_o(abi::kOnlret)) column_ = canon_column_ = 0;
      } else {
        column_ = canon_column_ = 0;
      }
      break;
    case '\t': {
      uint32_t spaces = 8 - column_ % 8;
      column_ += spaces;
      if ((termios_.oflag & abi::kTabdly) != abi::kXtabs) break;
      std::memset(to, ' ', spaces);
      return spaces;
    }
    case '\b':
      if (column_ > 0) column_--;
      break;
    default:
      if (c < 0x20 || c == 0x7f) break;
      if (has_o(abi::kOlcuc) && c >= 'a' && c <= 'z') c -= 'a' - 'A';
      if (!is_continuation(c)) column_++;
  }
  to[0] = static_cast<char>(c);
  return 1;
}

size_t LineDiscipline::write(const char* bytes, size_t n) {
  flush_echo();
  if (echo_head_ != echo_tail_) return 0;
  size_t room = port_.output_room();
  if (!has_o(abi::kOpost)) {
    n = std::min(n, room);
    if (n != 0) port_.output(bytes, n);
    return n;
  }
  char mapped[256];
  size_t used = 0, taken = 0;
  for (; taken < n; taken++) {
    auto c = static_cast<uint8_t>(bytes[taken]);
    if (room < used + output_width(c)) break;
    used += map_output(c, mapped + used);
    if (used + kMaxWidth > sizeof mapped) {
      port_.output(mapped, used);
      room -= std::exchange(used, 0);
    }
  }
  if (used != 0) port_.output(mapped, used);
  return taken;
}

void LineDiscipline::flush_echo() {
  while (echo_tail_ != echo_head_) {
    uint32_t start = echo_tail_ % kEchoSize;
    size_t n = std::min<size_t>(echo_head_ - echo_tail_, kEchoSize - start);
    n = std::min(n, port_.output_room());
    if (n == 0) return;
    port_.output(echo_ + start, n);
    echo_tail_ += n;
  }
}

// Echo that finds no room at all is lost.
void LineDiscipline::echo_bytes(const char* bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char mapped[kMaxWidth];
    size_t width = 1;
    if (has_o(abi::kOpost))
      width = map_output(static_cast<uint8_t>(bytes[i]), mapped);
    else
      mapped[0] = bytes[i];
    if (kEchoSize - (echo_head_ - echo_tail_) < width) flush_echo();
    if (kEchoSize - (echo_head_ - echo_tail_) < width) return;
    for (size_t k = 0; k < width; k++) echo_[echo_head_++ % kEchoSize] = mapped[k];
  }
}

void LineDiscipline::echo_raw(uint8_t c) {
  char byte = static_cast<char>(c);
  echo_bytes(&byte, 1);
}

void LineDiscipline::echo(uint8_t c) {
  if (!has_l(abi::kEchoctl) || c == '\t' || !(c < 0x20 || c == 0x7f)) {
    echo_raw(c);
    return;
  }
  char two[2] = {'^', static_cast<char>(c ^ 0x40)};
  echo_bytes(two, 2);
}

void LineDiscipline::end_erasing() {
  if (!erasing_) return;
  erasing_ = false;
  echo_raw('/');
}

}  // namespace lodge
