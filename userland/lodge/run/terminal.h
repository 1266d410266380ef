// The user's terminal while a VPS has it: raw mode, and its restoration whatever happens to lodge.
#pragma once
#include <sys/types.h>
#include <termios.h>

#include <cstdint>
#include <optional>

namespace lodge {

// Packed for the mailbox: columns << 16 | rows; 0 if fd is no terminal.
uint32_t window_size(int fd);

// Raw mode from construction to destruction. A keeper process, forked first, waits for lodge's end, so that
// the terminal is itself again even after a kill -9.
class RawTerminal {
 public:
  // Must be made before any thread. Does nothing if fd is no terminal.
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  void enter();
  void restore();

 private:
  int fd_;
  std::optional<termios> saved_;
  int keeper_pipe_ = -1;
  bool raw_ = false;
};

}  // namespace lodge
