// The line discipline's input side: what each received character does.
#include <algorithm>

#include "kernel/abi/signal.h"
#include "kernel/tty/ldisc.h"

namespace lodge {
namespace {

bool is_control(uint8_t c) {
  return c < 0x20 || c == 0x7f;
}
bool is_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

}  // namespace

void LineDiscipline::set_end(uint32_t i, bool end) {
  uint64_t& word = ends_[i % kInputSize / 64];
  uint64_t bit = uint64_t{1} << (i % 64);
  word = end ? word | bit : word & ~bit;
}

void LineDiscipline::set_termios(const abi::Termios& t) {
  bool mode_changed = ((t.lflag ^ termios_.lflag) & (abi::kIcanon | abi::kExtproc)) != 0;
  bool was_started_by_xon = has_i(abi::kIxon);
  termios_ = t;
  if (mode_changed) {
    // What was typed so far becomes one line, or plain bytes.
    std::fill(std::begin(ends_), std::end(ends_), 0);
    if (canonical() && head_ != tail_) set_end(head_ - 1, true);
    canon_head_ = canonical() ? head_ : tail_;
    erasing_ = literal_next_ = false;
    if (readable()) port_.input_arrived();
  }
  if (was_started_by_xon && !has_i(abi::kIxon)) port_.start_output();
}

void LineDiscipline::reset() {
  termios_ = default_termios();
  flush_input();
  echo_head_ = echo_tail_ = 0;
  column_ = canon_column_ = 0;
}

void LineDiscipline::flush_input() {
  head_ = canon_head_ = tail_ = 0;
  std::fill(std::begin(ends_), std::end(ends_), 0);
  literal_next_ = erasing_ = false;
  port_.input_flushed();
}

size_t LineDiscipline::receive(const char* bytes, size_t n) {
  size_t taken = 0;
  for (; taken < n; taken++) {
    // While a line cannot be read before it ends, all is taken: what exceeds the ring is dropped (put), but
    // editing and the line's end still work. Otherwise the reader has to make room; two bytes, since PARMRK
    // may double one.
    bool unfinished_line = canonical() && canon_head_ == tail_;
    if (free_input() < 2 && !unfinished_line) break;
    receive_char(static_cast<uint8_t>(bytes[taken]));
  }
  flush_echo();
  if (taken != 0 && !canonical() && readable()) port_.input_arrived();
  return taken;
}

void LineDiscipline::receive_char(uint8_t c) {
  if (literal_next_) {
    literal_next_ = false;
    if (has_i(abi::kIstrip)) c &= 0x7f;
    receive_literal(c);
    return;
  }
  if (has_i(abi::kIstrip)) c &= 0x7f;
  if (has_i(abi::kIuclc) && has_l(abi::kIexten) && c >= 'A' && c <= 'Z') c += 'a' - 'A';
  if (has_l(abi::kExtproc)) {
    put(c);
    return;
  }
  if (has_i(abi::kIxon) && receive_flow_char(c)) return;
  if (has_l(abi::kIsig) && receive_signal_char(c)) return;
  if (has_i(abi::kIxon) && has_i(abi::kIxany)) port_.start_output();
  if (c == '\r') {
    if (has_i(abi::kIgncr)) return;
    if (has_i(abi::kIcrnl)) c = '\n';
  } else if (c == '\n' && has_i(abi::kInlcr)) {
    c = '\r';
  }
  if (has_l(abi::kIcanon) && receive_editing_char(c)) return;
  receive_literal(c);
}

bool LineDiscipline::receive_flow_char(uint8_t c) {
  if (is_cc(c, abi::kVstart)) {
    port_.start_output();
    return true;
  }
  if (is_cc(c, abi::kVstop)) {
    port_.stop_output();
    return true;
  }
  return false;
}

bool LineDiscipline::receive_signal_char(uint8_t c) {
  if (is_cc(c, abi::kVintr))
    raise(abi::kSigInt, c);
  else if (is_cc(c, abi::kVquit))
    raise(abi::kSigQuit, c);
  else if (is_cc(c, abi::kVsusp))
    raise(abi::kSigTstp, c);
  else
    return false;
  return true;
}

void LineDiscipline::raise(int signo, uint8_t c) {
  port_.signal_foreground(signo);
  if (!has_l(abi::kNoflsh)) {
    echo_head_ = echo_tail_ = 0;
    port_.discard_output();
    flush_input();
  }
  if (has_i(abi::kIxon)) port_.start_output();
  if (has_l(abi::kEcho)) echo(c);
}

// What only canonical mode knows. True: the character is dealt with.
bool LineDiscipline::receive_editing_char(uint8_t c) {
  bool extended = has_l(abi::kIexten);
  if (is_cc(c, abi::kVerase)) {
    erase(Erase::kChar);
  } else if (is_cc(c, abi::kVkill)) {
    erase(Erase::kLine);
  } else if (extended && is_cc(c, abi::kVwerase)) {
    erase(Erase::kWord);
  } else if (extended && is_cc(c, abi::kVlnext)) {
    literal_next_ = true;
    if (has_l(abi::kEcho)) {
      end_erasing();
      if (has_l(abi::kEchoctl)) echo_bytes("^\b", 2);
    }
  } else if (extended && has_l(abi::kEcho) && is_cc(c, abi::kVreprint)) {
    reprint();
  } else if (c == '\n') {
    if (has_l(abi::kEcho) || has_l(abi::kEchonl)) echo_raw('\n');
    end_line(c);
  } else if (is_cc(c, abi::kVeof)) {
    end_line(kEofMark);
  } else if (is_cc(c, abi::kVeol) || (extended && is_cc(c, abi::kVeol2))) {
    if (has_l(abi::kEcho)) {
      if (canon_head_ == head_) canon_column_ = column_;
      echo(c);
    }
    if (c == 0xff && has_i(abi::kParmrk)) put(c);
    end_line(c);
  } else {
    return false;
  }
  return true;
}

// A character that means itself.
void LineDiscipline::receive_literal(uint8_t c) {
  if (has_l(abi::kEcho)) {
    end_erasing();
    if (c == '\n') {
      echo_raw(c);
    } else {
      if (canon_head_ == head_) canon_column_ = column_;
      echo(c);
    }
  }
  put_doubled(c);
}

void LineDiscipline::put(uint8_t c) {
  if (free_input() == 0) head_--;
  set_end(head_, false);
  at(head_++) = static_cast<char>(c);
}

void LineDiscipline::put_doubled(uint8_t c) {
  if (c == 0xff && has_i(abi::kParmrk)) put(c);
  put(c);
}

void LineDiscipline::end_line(uint8_t c) {
  put(c);
  set_end(head_ - 1, true);
  canon_head_ = head_;
  port_.input_arrived();
}

void LineDiscipline::erase(Erase what) {
  if (head_ == canon_head_) return;
  if (what == Erase::kLine) {
    if (!has_l(abi::kEcho)) {
      head_ = canon_head_;
      return;
    }
    if (!has_l(abi::kEchok) || !has_l(abi::kEchoke) || !has_l(abi::kEchoe)) {
      head_ = canon_head_;
      end_erasing();
      echo(cc(abi::kVkill));
      if (has_l(abi::kEchok)) echo_raw('\n');
      return;
    }
  }
  bool in_word = false;
  while (head_ != canon_head_) {
    uint32_t start = head_;
    do start--;
    while (is_continuation(static_cast<uint8_t>(at(start))) && start != canon_head_);
    auto c = static_cast<uint8_t>(at(start));
    if (is_continuation(c)) break;  // a character that began in a line already given away
    if (what == Erase::kWord) {
      if (is_word(c))
        in_word = true;
      else if (in_word)
        break;
    }
    uint32_t count = head_ - start;
    head_ = start;
    if (has_l(abi::kEcho)) echo_erased(start, count, what);
    if (what == Erase::kChar) break;
  }
  if (head_ == canon_head_ && has_l(abi::kEcho)) end_erasing();
}

// Shows that the character in [from, from + count), which was the last, is gone.
void LineDiscipline::echo_erased(uint32_t from, uint32_t count, Erase what) {
  auto c = static_cast<uint8_t>(at(from));
  if (has_l(abi::kEchoprt)) {
    if (!erasing_) {
      echo_raw('\\');
      erasing_ = true;
    }
    echo(c);
    for (uint32_t i = 1; i < count; i++) echo_raw(static_cast<uint8_t>(at(from + i)));
  } else if (what == Erase::kChar && !has_l(abi::kEchoe)) {
    echo(cc(abi::kVerase));
  } else if (c == '\t') {
    echo_tab_erased();
  } else {
    bool as_two = is_control(c) && has_l(abi::kEchoctl);
    if (as_two) echo_bytes("\b \b", 3);
    if (as_two || !is_control(c)) echo_bytes("\b \b", 3);
  }
}

// Moves back over a tab at head_: as far as it went, which depends on what stands before it in the line.
void LineDiscipline::echo_tab_erased() {
  uint32_t before = 0;
  bool after_tab = false;
  for (uint32_t i = head_; i != canon_head_;) {
    auto c = static_cast<uint8_t>(at(--i));
    if (c == '\t') {
      after_tab = true;
      break;
    }
    if (is_control(c))
      before += has_l(abi::kEchoctl) ? 2 : 0;
    else if (!is_continuation(c))
      before++;
  }
  if (!after_tab) before += canon_column_;
  for (uint32_t n = 8 - before % 8; n != 0; n--) echo_bytes("\b", 1);
}

void LineDiscipline::reprint() {
  end_erasing();
  echo(cc(abi::kVreprint));
  echo_raw('\n');
  for (uint32_t i = canon_head_; i != head_; i++) echo(static_cast<uint8_t>(at(i)));
}

}  // namespace lodge
