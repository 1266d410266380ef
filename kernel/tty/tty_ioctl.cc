// Terminals: ioctl_tty(2).
#include <algorithm>
#include <cstring>

#include "kernel/abi/ioctl.h"
#include "kernel/abi/signal.h"
#include "kernel/file/cred.h"
#include "kernel/file/file.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty.h"

namespace lodge {
namespace {

constexpr uint32_t kSpeeds[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
constexpr uint32_t kFastSpeeds[] = {57600,   115200,  230400,  460800,  500000,  576000,  921600, 1000000,
                                    1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

// What the speed bits of cflag say; `other` where they say BOTHER.
uint32_t speed_of(uint32_t cflag, uint32_t other) {
  uint32_t code = cflag & abi::kCbaud;
  if (code < std::size(kSpeeds)) return kSpeeds[code];
  if (code == abi::kBother) return other;
  return kFastSpeeds[(code & 017) - 1];
}

void merge_termio(abi::Termios& t, const abi::Termio& old) {
  auto low = [](uint32_t& whole, uint16_t part) { whole = (whole & 0xffff0000) | part; };
  low(t.iflag, old.iflag);
  low(t.oflag, old.oflag);
  low(t.cflag, old.cflag);
  low(t.lflag, old.lflag);
  t.line = old.line;
  std::memcpy(t.cc, old.cc, sizeof old.cc);
}

abi::Termio to_termio(const abi::Termios& t) {
  abi::Termio old{static_cast<uint16_t>(t.iflag),
                  static_cast<uint16_t>(t.oflag),
                  static_cast<uint16_t>(t.cflag),
                  static_cast<uint16_t>(t.lflag),
                  t.line,
                  {}};
  std::memcpy(old.cc, t.cc, sizeof old.cc);
  return old;
}

// Packet mode tells of flow control that the other side may do itself: ^S and ^Q, and nothing else, stop and
// start.
bool usual_flow_control(const abi::Termios& t) {
  return (t.iflag & abi::kIxon) && t.cc[abi::kVstop] == 'S' - '@' && t.cc[abi::kVstart] == 'Q' - '@';
}

}  // namespace

abi::Termios2 Tty::termios2() {
  MutexLock guard(lock_);
  return {ldisc_.termios(), ispeed_, ospeed_};
}

Result<long> Tty::get_termios(uint32_t command, UserAddr to) {
  abi::Termios2 t = termios2();
  if (command == abi::kTcgeta)
    TRY(put_user(to, to_termio(t.base)));
  else if (command == abi::kTcgets2)
    TRY(put_user(to, t));
  else
    TRY(put_user(to, t.base));
  return 0;
}

void Tty::apply_termios(abi::Termios2 t) {
  if (kind_ == TtyKind::kPty)
    t.base.cflag = (t.base.cflag & ~(abi::kCsize | abi::kParenb)) | abi::kCs8 | abi::kCread;
  {
    MutexLock guard(lock_);
    const abi::Termios& old = ldisc_.termios();
    uint8_t news = 0;
    if (usual_flow_control(old) != usual_flow_control(t.base))
      news = usual_flow_control(t.base) ? abi::kTiocpktDostop : abi::kTiocpktNostop;
    if ((old.lflag ^ t.base.lflag) & abi::kExtproc) news |= abi::kTiocpktIoctl;
    ispeed_ = t.ispeed;
    ospeed_ = t.ospeed;
    ldisc_.set_termios(t.base);
    if (news != 0) driver_.status_changed(news);
  }
  // A reader waits by the old rules, a writer for room that may be there now.
  readable_.wake_all();
  writable_.wake_all();
}

Result<long> Tty::set_termios(uint32_t command, UserAddr from, Use use) {
  TRY(check_background(abi::kSigTtou));
  abi::Termios2 t = termios2();
  switch (command) {
    case abi::kTcseta:
    case abi::kTcsetaw:
    case abi::kTcsetaf:
      merge_termio(t.base, TRY(get_user<abi::Termio>(from)));
      break;
    case abi::kTcsets2:
    case abi::kTcsetsw2:
    case abi::kTcsetsf2:
      t = TRY(get_user<abi::Termios2>(from));
      break;
    default:
      t.base = TRY(get_user<abi::Termios>(from));
  }
  constexpr int kInputSpeedShift = 16;
  uint32_t input_bits = t.base.cflag >> kInputSpeedShift;
  t.ospeed = speed_of(t.base.cflag, t.ospeed);
  t.ispeed = (input_bits & abi::kCbaud) == abi::kB0 ? t.ospeed : speed_of(input_bits, t.ispeed);
  bool flush = command == abi::kTcsetsf || command == abi::kTcsetsf2 || command == abi::kTcsetaf;
  bool drain = flush || command == abi::kTcsetsw || command == abi::kTcsetsw2 || command == abi::kTcsetaw;
  if (flush) TRY(flush_queues(abi::kTciflush));
  if (drain) TRY(wait_until_sent(use));
  apply_termios(t);
  return 0;
}

Result<long> Tty::flush_queues(uint64_t which) {
  if (which > abi::kTcioflush) return Errno::EINVAL;
  MutexLock guard(lock_);
  if (which != abi::kTcoflush) {
    ldisc_.flush_input();
    after_read();
  }
  if (which != abi::kTciflush) discard_output();
  return 0;
}

Result<long> Tty::control_flow(uint64_t how) {
  MutexLock guard(lock_);
  switch (how) {
    case abi::kTcooff:
      stopped_by_call_ = true;
      stop_output();
      return 0;
    case abi::kTcoon:
      if (std::exchange(stopped_by_call_, false)) start_output();
      return 0;
    case abi::kTcioff:
    case abi::kTcion: {
      uint8_t c = ldisc_.termios().cc[how == abi::kTcioff ? abi::kVstop : abi::kVstart];
      if (c != 0 && driver_.room() != 0) driver_.write(reinterpret_cast<const char*>(&c), 1);
      return 0;
    }
    default:
      return Errno::EINVAL;
  }
}

Result<long> Tty::settings_ioctl(uint32_t command, UserAddr argument, Use use) {
  switch (command) {
    case abi::kTiocglcktrmios:  // no setting is locked
      TRY(put_user(argument, abi::Termios{}));
      return 0;
    case abi::kTcgets:
    case abi::kTcgets2:
    case abi::kTcgeta:
      return get_termios(command, argument);
    case abi::kTcsets:
    case abi::kTcsetsw:
    case abi::kTcsetsf:
    case abi::kTcseta:
    case abi::kTcsetaw:
    case abi::kTcsetaf:
    case abi::kTcsets2:
    case abi::kTcsetsw2:
    case abi::kTcsetsf2:
      return set_termios(command, argument, use);
    case abi::kTiocgwinsz:
      TRY(put_user(argument, winsize()));
      return 0;
    case abi::kTiocswinsz:
      set_winsize(TRY(get_user<abi::Winsize>(argument)));
      return 0;
    case abi::kTiocgetd:
      TRY(put_user<int32_t>(argument, 0));
      return 0;
    case abi::kTiocsetd:  // N_TTY is the only one there is
      if (TRY(get_user<int32_t>(argument)) != 0) return Errno::EINVAL;
      return 0;
    case abi::kTiocsti:  // as Linux with dev.tty.legacy_tiocsti = 0: what types for another process is no
                         // friend
      return Errno::EIO;
    default:
      return Errno::ENOTTY;
  }
}

Result<long> Tty::job_ioctl(uint32_t command, UserAddr argument, const Cred& cred, const File& file) {
  switch (command) {
    case abi::kTiocsctty:
      TRY(make_controlling(argument == 1 ? Force::kSteal : Force::kNo, cred, file));
      return 0;
    case abi::kTiocnotty:
      if (controlling_tty(current()).get() != this) return Errno::ENOTTY;
      leave_controlling_tty(current(), LeaveReason::kRequest);
      return 0;
    case abi::kTiocgpgrp:
      TRY(put_user(argument, TRY(foreground())));
      return 0;
    case abi::kTiocspgrp:
      TRY(set_foreground(TRY(get_user<int32_t>(argument))));
      return 0;
    case abi::kTiocgsid:
      TRY(put_user(argument, TRY(session_id())));
      return 0;
    default:
      return Errno::ENOTTY;
  }
}

Result<long> Tty::ioctl(uint32_t command, UserAddr argument, Use use, const Cred& cred, const File& file) {
  if (hung_up(use.epoch)) return command == abi::kTiocspgrp ? Errno::ENOTTY : Errno::EIO;
  switch (command) {
    case abi::kTiocsctty:
    case abi::kTiocnotty:
    case abi::kTiocgpgrp:
    case abi::kTiocspgrp:
    case abi::kTiocgsid:
      return job_ioctl(command, argument, cred, file);
    case abi::kTcsbrk:  // a break condition means nothing here; what matters is the wait that comes first
    case abi::kTcsbrkp:
      TRY(check_background(abi::kSigTtou));
      TRY(wait_until_sent(use));
      return 0;
    case abi::kTcflsh:
      TRY(check_background(abi::kSigTtou));
      return flush_queues(argument);
    case abi::kTcxonc:
      TRY(check_background(abi::kSigTtou));
      return control_flow(argument);
    case abi::kTiocinq:
    case abi::kTiocoutq:
    case abi::kTiocgexcl: {
      int32_t value;
      {
        MutexLock guard(lock_);
        value = command == abi::kTiocinq    ? static_cast<int32_t>(ldisc_.input_bytes())
                : command == abi::kTiocoutq ? static_cast<int32_t>(driver_.unsent())
                                            : exclusive_;
      }
      TRY(put_user(argument, value));
      return 0;
    }
    case abi::kTiocgdev:
      TRY(put_user(argument, static_cast<uint32_t>(device_)));
      return 0;
    case abi::kTiocexcl:
    case abi::kTiocnxcl: {
      MutexLock guard(lock_);
      exclusive_ = command == abi::kTiocexcl;
      return 0;
    }
    case abi::kTiocvhangup:
      if (!cred.capable(Cap::kSysAdmin)) return Errno::EPERM;
      hang_up();
      return 0;
    default:
      return settings_ioctl(command, argument, use);
  }
}

}  // namespace lodge
