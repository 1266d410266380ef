// Tty: a terminal, as its users see it: line discipline, window size, controlling session, foreground group,
// readers and writers. A driver moves its bytes: a pty's other side, or the console's mailbox.
//
// Locks: lock_ (kTty) guards all state, also the line discipline's and, for a pty, the master's queue. It is
// not held while bytes are copied from or to the guest, or while waiting. One reader and one writer at a time
// have their turn, which they may wait for and keep while they wait for input or room. Reference: Linux
// drivers/tty/tty_io.c, tty_jobctrl.c, n_tty.c; ioctl_tty(2), termios(3), credentials(7).
#pragma once
#include <span>
#include <string_view>

#include "kernel/abi/termios.h"
#include "kernel/base/arena.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/file/poll.h"
#include "kernel/host/user_copy.h"
#include "kernel/sched/wait.h"
#include "kernel/tty/ldisc.h"

namespace lodge {

class Cred;
class File;
class IoCursor;
class Tty;

// The side of a terminal that faces the world. Called with the terminal's lock held: must not wait, and takes
// only locks below kTty. It calls Tty::receive() and Tty::output_possible() without that lock.
class TtyDriver {
 public:
  virtual size_t room() = 0;                            // bytes that write() takes now
  virtual void write(const char* bytes, size_t n) = 0;  // n <= room()
  virtual size_t unsent() = 0;                          // bytes taken that have not left yet
  virtual void discard_unsent() {}
  virtual void input_wanted() {}  // there is room again after receive() took less than all
  // Changes that a pty's master may want to hear of (abi::kTiocpkt*).
  virtual void status_changed(uint8_t packet_bits) {}
  virtual void window_changed(const abi::Winsize&) {}
  virtual void opened() {}
  virtual void last_closed() {}

 protected:
  ~TtyDriver() = default;
};

enum class TtyKind : uint8_t { kConsole, kPty };

// What a session leader does to its terminal when it gives it up (TIOCNOTTY) or dies: SIGHUP (and SIGCONT) to
// the foreground group, and the session has no terminal any more. kernel/task calls it for exit.
enum class LeaveReason : uint8_t { kRequest, kExit };
void leave_controlling_tty(Thread& self, LeaveReason why);

class Tty : public RefCounted<Tty>, private LdiscPort {
 public:
  Tty(TtyKind kind, TtyDriver& driver, uint64_t device)
      : ldisc_(*this), driver_(driver), kind_(kind), device_(device) {}
  virtual ~Tty() = default;
  virtual void on_last_ref() { destroy(this); }

  TtyKind kind() const { return kind_; }
  uint64_t device() const { return device_; }  // st_rdev
  // "pts/3", "console": what ps shows. `to` has at least 16 bytes.
  virtual std::string_view name(std::span<char> to) const = 0;

  // For the driver. receive() says how much it took; the rest is offered again after input_wanted().
  size_t receive(std::span<const char> bytes);
  void output_possible();
  // The line is gone (terminal closed, vhangup(2)): readers see the end of file, writers EIO, the session
  // SIGHUP.
  void hang_up();
  void set_winsize(const abi::Winsize& size);  // SIGWINCH to the foreground group if it changed
  abi::Winsize winsize();

  // An open file. The epoch tells files that were opened before a hang-up from those opened after.
  struct Use {
    uint32_t epoch;
    bool nonblocking;
  };
  Result<uint32_t> open(const Cred& cred);  // the epoch
  void close();
  uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  bool hung_up(uint32_t epoch) const { return this->epoch() != epoch; }
  Result<size_t> read(IoCursor& to, Use use);
  Result<size_t> write(IoCursor& from, Use use);
  PollEvents poll(uint32_t epoch, PollTable* table);

  // Job control (tty_job.cc).
  // What a background process may not do: EIO, or EINTR with `signo` sent to its group and the call to be
  // restarted.
  Result<void> check_background(int signo);
  void acquire_on_open();  // open(2) without O_NOCTTY
  enum class Force : uint8_t { kNo, kSteal };
  Result<void> make_controlling(Force force, const Cred& cred, const File& file);  // TIOCSCTTY
  Result<void> set_foreground(int32_t group);
  Result<int32_t> foreground();
  Result<int32_t> session_id();
  // Of this terminal, whoever asks: for a pty's master and for /proc.
  int32_t foreground_group();
  int32_t session();

  // Terminal settings (tty_ioctl.cc). ENOTTY for what is no terminal's command.
  Result<long> ioctl(uint32_t command, UserAddr argument, Use use, const Cred& cred, const File& file);
  // The part that a pty's master shares: it sees and sets the slave's settings.
  Result<long> settings_ioctl(uint32_t command, UserAddr argument, Use use);
  Result<void> wait_until_sent(Use use);

 protected:
  Mutex& lock() RETURN_CAPABILITY(lock_) { return lock_; }
  LineDiscipline& ldisc() REQUIRES(lock_) { return ldisc_; }
  int open_count() const REQUIRES(lock_) { return open_count_; }
  bool output_stopped() const REQUIRES(lock_) { return stopped_ || stopped_by_call_; }
  size_t receive_locked(std::span<const char> bytes) REQUIRES(lock_);
  void wake_everybody();
  void wake_writers();

 private:
  friend void leave_controlling_tty(Thread& self, LeaveReason why);

  // LdiscPort, called by ldisc_ and thus with lock_ held.
  size_t output_room() override;
  void output(const char* bytes, size_t n) override;
  void discard_output() override;
  void input_arrived() override;
  void signal_foreground(int signo) override;
  void stop_output() override;
  void start_output() override;
  void input_flushed() override;

  enum Turn : uint8_t { kReading, kWriting };
  Result<void> take_turn(Turn turn, Use use);
  void end_turn(Turn turn);
  Result<size_t> read_in_turn(IoCursor& to, Use use);
  Result<size_t> write_in_turn(IoCursor& from, Use use);
  bool input_or_hangup(uint32_t epoch);
  bool room_or_hangup(uint32_t epoch);
  void after_read() REQUIRES(lock_);
  void hang_up_session(LeaveReason why);

  abi::Termios2 termios2();
  Result<long> get_termios(uint32_t command, UserAddr to);
  Result<long> set_termios(uint32_t command, UserAddr from, Use use);
  void apply_termios(abi::Termios2 t);
  Result<long> flush_queues(uint64_t which);
  Result<long> control_flow(uint64_t how);
  Result<long> job_ioctl(uint32_t command, UserAddr argument, const Cred& cred, const File& file);

  Mutex lock_{LockClass::kTty};
  LineDiscipline ldisc_ GUARDED_BY(lock_);
  TtyDriver& driver_;
  const TtyKind kind_;
  const uint64_t device_;
  std::atomic<uint32_t> epoch_{0};  // hang-ups so far
  int open_count_ GUARDED_BY(lock_) = 0;
  bool exclusive_ GUARDED_BY(lock_) = false;        // TIOCEXCL
  bool stopped_ GUARDED_BY(lock_) = false;          // output, by the STOP character
  bool stopped_by_call_ GUARDED_BY(lock_) = false;  // output, by TCOOFF
  bool input_held_ GUARDED_BY(lock_) = false;       // receive() took less than all
  bool peer_stopped_ GUARDED_BY(lock_) = false;     // IXOFF: STOP was sent, START is due
  bool turns_taken_[2] GUARDED_BY(lock_) = {};
  uint32_t ispeed_ GUARDED_BY(lock_) = 38400;
  uint32_t ospeed_ GUARDED_BY(lock_) = 38400;
  abi::Winsize winsize_ GUARDED_BY(lock_);
  int32_t session_ GUARDED_BY(lock_) = 0;
  int32_t foreground_ GUARDED_BY(lock_) = 0;
  WaitQueue readable_;  // readers and poll
  WaitQueue writable_;  // writers, poll, tcdrain
  WaitQueue turns_;
};

}  // namespace lodge
