// Linux's terminal structures and flags on x86-64 (termios(3), ioctl_tty(2), asm-generic/termbits.h).
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr int kNcc = 19;
struct Termios {  // the kernel's own, not libc's
  uint32_t iflag, oflag, cflag, lflag;
  uint8_t line;
  uint8_t cc[kNcc];
};
static_assert(sizeof(Termios) == 36);
struct Termios2 {
  Termios base;
  uint32_t ispeed, ospeed;
};
static_assert(sizeof(Termios2) == 44);
struct Termio {  // System V's
  uint16_t iflag, oflag, cflag, lflag;
  uint8_t line;
  uint8_t cc[8];
};
static_assert(sizeof(Termio) == 18);
struct Winsize {
  uint16_t rows = 0, columns = 0, x_pixels = 0, y_pixels = 0;
};

// Indices of cc.
enum : uint8_t {
  kVintr,
  kVquit,
  kVerase,
  kVkill,
  kVeof,
  kVtime,
  kVmin,
  kVswtc,
  kVstart,
  kVstop,
  kVsusp,
  kVeol,
  kVreprint,
  kVdiscard,
  kVwerase,
  kVlnext,
  kVeol2
};

constexpr uint32_t kIgnbrk = 01, kBrkint = 02, kIgnpar = 04, kParmrk = 010, kInpck = 020, kIstrip = 040,
                   kInlcr = 0100, kIgncr = 0200, kIcrnl = 0400, kIuclc = 01000, kIxon = 02000, kIxany = 04000,
                   kIxoff = 010000, kImaxbel = 020000, kIutf8 = 040000;
constexpr uint32_t kOpost = 01, kOlcuc = 02, kOnlcr = 04, kOcrnl = 010, kOnocr = 020, kOnlret = 040,
                   kTabdly = 014000, kXtabs = 014000;
constexpr uint32_t kCbaud = 010017, kB0 = 0, kB38400 = 017, kBother = 010000, kCsize = 060, kCs8 = 060,
                   kCstopb = 0100, kCread = 0200, kParenb = 0400, kHupcl = 02000, kClocal = 04000;
constexpr uint32_t kIsig = 01, kIcanon = 02, kXcase = 04, kEcho = 010, kEchoe = 020, kEchok = 040,
                   kEchonl = 0100, kNoflsh = 0200, kTostop = 0400, kEchoctl = 01000, kEchoprt = 02000,
                   kEchoke = 04000, kIexten = 0100000, kExtproc = 0200000;

// tcflush(3), tcflow(3).
constexpr int kTciflush = 0, kTcoflush = 1, kTcioflush = 2;
constexpr int kTcooff = 0, kTcoon = 1, kTcioff = 2, kTcion = 3;

// Status bytes of packet mode (ioctl_tty(2), TIOCPKT).
constexpr uint8_t kTiocpktData = 0, kTiocpktFlushread = 1, kTiocpktFlushwrite = 2, kTiocpktStop = 4,
                  kTiocpktStart = 8, kTiocpktNostop = 16, kTiocpktDostop = 32, kTiocpktIoctl = 64;

}  // namespace lodge::abi
