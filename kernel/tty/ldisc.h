// LineDiscipline: the part of a terminal between its driver and its reader (termios(3)): editing of lines,
// echo, special characters, signals, flow control, and the mapping of output. It does not wait and does not
// know of files; what it cannot do alone it asks of its port.
//
// Input is kept in a ring of 4096 bytes. In canonical mode [tail_, canon_head_) are whole lines and
// [canon_head_, head_) is the line being edited; the last byte of each line (newline, EOL, or the mark that
// end-of-file leaves) has its bit in ends_. In raw mode everything in [tail_, head_) may be read. Lock: the
// terminal's (kTty), for every call here; the port's functions are called with it held. Reference: Linux
// drivers/tty/n_tty.c, termios(3).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/abi/termios.h"

namespace lodge {

// What a line discipline asks of its terminal.
class LdiscPort {
 public:
  virtual size_t output_room() = 0;  // bytes that output() takes now; 0 while output is stopped
  virtual void output(const char* bytes, size_t n) = 0;  // n <= output_room()
  virtual void discard_output() = 0;                     // what was not sent yet
  virtual void input_arrived() = 0;                      // a reader may find something
  virtual void signal_foreground(int signo) = 0;
  virtual void stop_output() = 0;
  virtual void start_output() = 0;
  virtual void input_flushed() = 0;

 protected:
  ~LdiscPort() = default;
};

abi::Termios default_termios();

class LineDiscipline {
 public:
  static constexpr uint32_t kInputSize = 4096;

  explicit LineDiscipline(LdiscPort& port) : port_(port) {}
  LineDiscipline(const LineDiscipline&) = delete;

  const abi::Termios& termios() const { return termios_; }
  void set_termios(const abi::Termios& t);
  // Back to how a newly opened terminal is, input dropped.
  void reset();

  // Takes what the driver received; returns how much. Less than all: the reader is behind, offer the rest
  // again when room for input was made.
  size_t receive(const char* bytes, size_t n);
  // Maps and sends; returns how much of it was taken. The caller waits for room and goes on.
  size_t write(const char* bytes, size_t n);
  // Sends echo that had no room so far.
  void flush_echo();

  bool canonical() const { return has_l(abi::kIcanon) && !has_l(abi::kExtproc); }
  // Bytes that make a raw read's wish of at least `minimum`, or a whole line.
  bool readable(uint32_t minimum = 1) const {
    return canonical() ? canon_head_ != tail_ : head_ - tail_ >= minimum;
  }
  struct Piece {
    size_t bytes = 0;
    bool line_ended = false;  // canonical: nothing more for this read
  };
  Piece read(std::span<char> to);
  // After a canonical read that ended for lack of room: an end-of-file mark that comes next belongs to it.
  void skip_eof_mark();
  void flush_input();
  size_t input_bytes() const;  // FIONREAD
  size_t free_input() const { return kInputSize - (head_ - tail_); }

 private:
  static constexpr char kEofMark = '\0';
  static constexpr uint32_t kEchoSize = 1024;
  enum class Erase : uint8_t { kChar, kWord, kLine };

  bool has_i(uint32_t f) const { return (termios_.iflag & f) != 0; }
  bool has_o(uint32_t f) const { return (termios_.oflag & f) != 0; }
  bool has_l(uint32_t f) const { return (termios_.lflag & f) != 0; }
  uint8_t cc(int which) const { return termios_.cc[which]; }
  bool is_cc(uint8_t c, int which) const { return c != 0 && c == cc(which); }
  bool is_continuation(uint8_t c) const { return has_i(abi::kIutf8) && (c & 0xc0) == 0x80; }

  char& at(uint32_t i) { return input_[i % kInputSize]; }
  char at(uint32_t i) const { return input_[i % kInputSize]; }
  bool ends(uint32_t i) const { return ends_[i % kInputSize / 64] >> (i % 64) & 1; }
  void set_end(uint32_t i, bool end);

  // Input, one character at a time.
  void receive_char(uint8_t c);
  bool receive_flow_char(uint8_t c);
  bool receive_signal_char(uint8_t c);
  bool receive_editing_char(uint8_t c);
  void receive_literal(uint8_t c);
  void put(uint8_t c);
  void put_doubled(uint8_t c);
  void end_line(uint8_t c);
  void raise(int signo, uint8_t c);
  void erase(Erase what);
  void echo_erased(uint32_t from, uint32_t count, Erase what);
  void reprint();

  // Echo.
  void echo(uint8_t c);      // control characters as ^X, if so wished
  void echo_raw(uint8_t c);  // as it is
  void echo_bytes(const char* bytes, size_t n);
  void echo_tab_erased();
  void end_erasing();

  // Output.
  size_t output_width(uint8_t c) const;
  size_t map_output(uint8_t c, char* to);  // at most kMaxWidth bytes
  static constexpr size_t kMaxWidth = 8;

  LdiscPort& port_;
  abi::Termios termios_ = default_termios();
  uint32_t head_ = 0, canon_head_ = 0, tail_ = 0;
  uint32_t column_ = 0;
  uint32_t canon_column_ = 0;  // where the line being edited starts on the screen
  bool literal_next_ = false;
  bool erasing_ = false;  // between the \ and the / of ECHOPRT
  uint32_t echo_head_ = 0, echo_tail_ = 0;
  uint64_t ends_[kInputSize / 64] = {};
  char echo_[kEchoSize];
  char input_[kInputSize];
};

}  // namespace lodge
