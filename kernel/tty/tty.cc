// Terminals: between the driver and the line discipline, opening, hanging up.
#include "kernel/tty/tty.h"

#include "kernel/abi/signal.h"
#include "kernel/file/cred.h"
#include "kernel/tty/job_control.h"

namespace lodge {
namespace {

// IXOFF: the peer is asked to stop when so little room is left, and to go on when so little is unread.
constexpr size_t kThrottleRoom = 128;
constexpr size_t kUnthrottleBytes = 128;

}  // namespace

size_t Tty::receive_locked(std::span<const char> bytes) {
  size_t n = ldisc_.receive(bytes.data(), bytes.size());
  input_held_ = n < bytes.size();
  if ((ldisc_.termios().iflag & abi::kIxoff) && !peer_stopped_ && ldisc_.free_input() < kThrottleRoom &&
      driver_.room() != 0) {
    peer_stopped_ = true;
    driver_.write(reinterpret_cast<const char*>(&ldisc_.termios().cc[abi::kVstop]), 1);
  }
  return n;
}

size_t Tty::receive(std::span<const char> bytes) {
  MutexLock guard(lock_);
  return receive_locked(bytes);
}

// Somebody took input away: who holds input back may go on.
void Tty::after_read() {
  if (std::exchange(input_held_, false)) driver_.input_wanted();
  if (peer_stopped_ && LineDiscipline::kInputSize - ldisc_.free_input() <= kUnthrottleBytes &&
      driver_.room() != 0) {
    peer_stopped_ = false;
    driver_.write(reinterpret_cast<const char*>(&ldisc_.termios().cc[abi::kVstart]), 1);
  }
}

void Tty::output_possible() {
  {
    MutexLock guard(lock_);
    ldisc_.flush_echo();
  }
  wake_writers();
}

void Tty::wake_writers() {
  writable_.wake(kPollOut | kPollWrNorm);
}

void Tty::wake_everybody() {
  readable_.wake_all();
  writable_.wake_all();
  turns_.wake_all();
}

size_t Tty::output_room() {
  return output_stopped() ? 0 : driver_.room();
}
void Tty::output(const char* bytes, size_t n) {
  driver_.write(bytes, n);
}

void Tty::discard_output() {
  driver_.discard_unsent();
  driver_.status_changed(abi::kTiocpktFlushwrite);
  wake_writers();
}

void Tty::input_arrived() {
  readable_.wake(kPollIn | kPollRdNorm);
}

// May come out of receive(), so the driver is not asked for more here: whoever flushed does that.
void Tty::input_flushed() {
  driver_.status_changed(abi::kTiocpktFlushread);
}

void Tty::signal_foreground(int signo) {
  if (foreground_ != 0) signal_group(foreground_, signo);
}

void Tty::stop_output() {
  if (std::exchange(stopped_, true)) return;
  driver_.status_changed(abi::kTiocpktStop);
}

void Tty::start_output() {
  if (!stopped_ || stopped_by_call_) return;
  stopped_ = false;
  driver_.status_changed(abi::kTiocpktStart);
  ldisc_.flush_echo();
  wake_writers();
}

Result<uint32_t> Tty::open(const Cred& cred) {
  MutexLock guard(lock_);
  if (exclusive_ && !cred.capable(Cap::kSysAdmin)) return Errno::EBUSY;
  if (open_count_++ == 0) driver_.opened();
  return epoch_.load(std::memory_order_relaxed);
}

void Tty::close() {
  int32_t session = 0;
  {
    MutexLock guard(lock_);
    if (--open_count_ != 0) return;
    exclusive_ = false;
    session = session_;
    driver_.last_closed();
  }
  if (session != 0) clear_controlling_tty(session, 0);
}

void Tty::hang_up() {
  hang_up_session(LeaveReason::kRequest);
}

void Tty::hang_up_session(LeaveReason why) {
  int32_t session, foreground;
  {
    MutexLock guard(lock_);
    epoch_.fetch_add(1, std::memory_order_release);
    ldisc_.reset();
    exclusive_ = stopped_ = stopped_by_call_ = peer_stopped_ = false;
    session = std::exchange(session_, 0);
    foreground = std::exchange(foreground_, 0);
  }
  if (session != 0) {
    signal_session_leader(session, abi::kSigHup);
    signal_session_leader(session, abi::kSigCont);
    clear_controlling_tty(session, foreground);
  }
  if (foreground != 0 && why == LeaveReason::kExit) signal_group(foreground, abi::kSigHup);
  wake_everybody();
}

abi::Winsize Tty::winsize() {
  MutexLock guard(lock_);
  return winsize_;
}

void Tty::set_winsize(const abi::Winsize& size) {
  MutexLock guard(lock_);
  const abi::Winsize& old = winsize_;
  if (old.rows == size.rows && old.columns == size.columns && old.x_pixels == size.x_pixels &&
      old.y_pixels == size.y_pixels)
    return;
  winsize_ = size;
  driver_.window_changed(size);
  signal_foreground(abi::kSigWinch);
}

}  // namespace lodge
