#include "kernel/tty/pty.h"

#include <algorithm>

#include "kernel/abi/ioctl.h"
#include "kernel/abi/signal.h"
#include "kernel/base/format.h"
#include "kernel/file/calling_task.h"
#include "kernel/file/io_cursor.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty_file.h"

namespace lodge {
namespace {

constexpr PollEvents kIn = kPollIn | kPollRdNorm, kOut = kPollOut | kPollWrNorm;
constexpr size_t kChunk = 512;
// What was written to the slave and got as far as this is not taken back by a flush (it has "left").
constexpr size_t kBeyondRecall = 4095;

}  // namespace

Pty::Pty(uint32_t index, PtyOwner& owner)
    : Tty(TtyKind::kPty, static_cast<TtyDriver&>(*this), abi::make_dev(kSlaveMajor, index)),
      index_(index),
      owner_(owner) {
  owner_.keep();
}

Pty::~Pty() {
  owner_.gone(index_);
  owner_.let_go();
}

Result<Ref<Pty>> Pty::create(uint32_t index, PtyOwner& owner) {
  auto made = make<Pty>(index, owner);
  if (!made.ok()) {
    owner.gone(index);
    return made.error();
  }
  Ref<Pty> pty = made.take();
  MutexLock guard(pty->lock());
  TRY(pty->to_master_.allocate());
  TRY(pty->to_slave_.allocate());
  abi::Termios t = default_termios();
  t.cflag &= ~abi::kHupcl;
  pty->ldisc().set_termios(t);
  return pty;
}

std::string_view Pty::name(std::span<char> to) const {
  Formatter out(to);
  return out.put("pts/").put(index_).view();
}

Result<Ref<File>> Pty::open_slave(Inode& inode, uint32_t flags) {
  {
    MutexLock guard(lock());
    if (locked_ || !master_open_) return Errno::EIO;
  }
  return open_tty(inode, *this, flags, Acquire::kUnlessNoctty);
}

void Pty::write(const char* bytes, size_t n) {
  to_master_.push(bytes, n);
  master_readable_.wake(kIn);
}

void Pty::discard_unsent() {
  to_master_.keep_first(kBeyondRecall);
}

void Pty::input_wanted() {
  while (to_slave_.bytes() != 0) {
    std::span<const char> front = to_slave_.front();
    size_t taken = receive_locked(front);
    to_slave_.pop(taken);
    if (taken < front.size()) break;
  }
  master_writable_.wake(kOut);
}

void Pty::status_changed(uint8_t bits) {
  if (!packet_mode_) return;
  constexpr uint8_t kFlow = abi::kTiocpktStop | abi::kTiocpktStart,
                    kRules = abi::kTiocpktDostop | abi::kTiocpktNostop;
  // Of two that contradict each other the later one holds.
  if (bits & kFlow) packet_status_ &= ~kFlow;
  if (bits & kRules) packet_status_ &= ~kRules;
  packet_status_ |= bits;
  master_readable_.wake(kIn | kPollPri);
}

void Pty::last_closed() {
  slave_closed_ = true;
  master_readable_.wake_all();
  master_writable_.wake_all();
}

bool Pty::master_can_read() {
  MutexLock guard(lock());
  return packet_status_ != 0 || to_master_.bytes() != 0 || slave_closed_;
}

bool Pty::master_can_write() {
  MutexLock guard(lock());
  return to_slave_.room() != 0;
}

// Bytes for the master's reader; echo that waits for room goes on, and so do writers.
size_t Pty::pull(char* to, size_t n) {
  if (output_stopped()) return 0;
  n = to_master_.pull(to, n);
  ldisc().flush_echo();
  return n;
}

Result<size_t> Pty::master_read(IoCursor& to, bool nonblocking) {
  if (to.remaining() == 0) return 0;
  for (;;) {
    size_t done = 0;
    bool data_byte_due = false, closed;
    {
      SleepGuard turn(master_reading_);
      for (;;) {
        char chunk[kChunk];
        size_t n = 0;
        {
          MutexLock guard(lock());
          closed = slave_closed_;
          if (packet_mode_ && done == 0) {
            // A packet is one status byte that is not zero, or a zero and data (TIOCPKT).
            if (packet_status_ != 0) {
              chunk[n++] = static_cast<char>(std::exchange(packet_status_, 0));
            } else if (to_master_.bytes() != 0) {
              chunk[n++] = abi::kTiocpktData;
              data_byte_due = true;
            }
          }
          if (!packet_mode_ || data_byte_due || done != 0)
            n += pull(chunk + n, std::min(sizeof chunk, to.remaining()) - n);
        }
        if (n == 0) break;
        Result<size_t> copied = to.copy_out(chunk, n);
        if (!copied.ok()) return done != 0 ? Result<size_t>(done) : copied;
        done += *copied;
        if (n < sizeof chunk || to.remaining() == 0) break;
      }
    }
    if (done != 0) {
      wake_writers();
      return done;
    }
    if (closed) return Errno::EIO;
    if (nonblocking) return Errno::EAGAIN;
    if (wait_event(master_readable_, [this] { return master_can_read(); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
}

Result<size_t> Pty::master_write(IoCursor& from, bool nonblocking) {
  size_t done = 0;
  auto so_far_or = [&](Errno e) -> Result<size_t> {
    if (done != 0) return done;
    return e;
  };
  while (from.remaining() != 0) {
    char chunk[kChunk];
    Result<size_t> copied = from.copy_in(chunk, std::min(sizeof chunk, from.remaining()));
    if (!copied.ok()) return so_far_or(copied.error());
    for (size_t sent = 0;;) {
      {
        MutexLock guard(lock());
        size_t n = 0;
        if (to_slave_.bytes() == 0) n = receive_locked({chunk + sent, *copied - sent});
        n += to_slave_.push(chunk + sent + n, *copied - sent - n);
        sent += n;
        done += n;
      }
      if (sent == *copied) break;
      if (nonblocking) return so_far_or(Errno::EAGAIN);
      if (wait_event(master_writable_, [this] { return master_can_write(); }) == WaitOutcome::kInterrupted)
        return done != 0 ? Result<size_t>(done) : current().interrupted(Restart::kSys);
    }
  }
  return done;
}

PollEvents Pty::master_poll(PollTable* table) {
  if (table) {
    table->add(master_readable_);
    table->add(master_writable_);
  }
  MutexLock guard(lock());
  PollEvents events = 0;
  if (to_master_.bytes() != 0) events |= kIn;
  if (packet_status_ != 0) events |= kIn | kPollPri;
  if (to_slave_.room() != 0) events |= kOut;
  if (slave_closed_) events |= kPollHup;
  return events;
}

Result<long> Pty::flush_master(uint64_t which) {
  if (which > abi::kTcioflush) return Errno::EINVAL;
  {
    MutexLock guard(lock());
    if (which != abi::kTcoflush) to_master_.clear();
    if (which != abi::kTciflush) to_slave_.clear();
  }
  wake_writers();
  master_writable_.wake(kOut);
  return 0;
}

Result<long> Pty::master_ioctl(uint32_t command, UserAddr argument) {
  auto put = [&](uint32_t value) -> Result<long> {
    TRY(put_user(argument, value));
    return 0;
  };
  auto flag = [&](bool& which) -> bool {
    MutexLock guard(lock());
    return which;
  };
  switch (command) {
    case abi::kTiocgptn:
      return put(index_);
    case abi::kTiocsptlck: {
      int32_t on = TRY(get_user<int32_t>(argument));
      MutexLock guard(lock());
      locked_ = on != 0;
      return 0;
    }
    case abi::kTiocgptlck:
      return put(flag(locked_));
    case abi::kTiocpkt: {
      int32_t on = TRY(get_user<int32_t>(argument));
      MutexLock guard(lock());
      if (on != 0 && !packet_mode_) packet_status_ = 0;
      packet_mode_ = on != 0;
      return 0;
    }
    case abi::kTiocgpkt:
      return put(flag(packet_mode_));
    case abi::kTiocsig: {
      auto signo = static_cast<int>(argument);
      if (signo != abi::kSigInt && signo != abi::kSigQuit && signo != abi::kSigTstp) return Errno::EINVAL;
      if (int32_t group = foreground_group(); group != 0) signal_group(group, signo);
      return 0;
    }
    case abi::kTiocgpgrp:
      return put(static_cast<uint32_t>(foreground_group()));
    case abi::kTiocspgrp:
      TRY(set_foreground(TRY(get_user<int32_t>(argument))));
      return 0;
    case abi::kTiocgsid: {
      int32_t id = session();
      if (id == 0) return Errno::ENOTTY;
      return put(static_cast<uint32_t>(id));
    }
    case abi::kTiocinq: {
      size_t n;
      {
        MutexLock guard(lock());
        n = to_master_.bytes();
      }
      return put(static_cast<uint32_t>(n));
    }
    case abi::kTiocoutq:
      return put(0);
    case abi::kTcflsh:
      return flush_master(argument);
    case abi::kTcsbrk:
    case abi::kTcsbrkp:
      return 0;
    case abi::kTiocgdev:
      return put(static_cast<uint32_t>(abi::make_dev(5, 2)));
    default:
      return settings_ioctl(command, argument, {epoch(), false});
  }
}

void Pty::close_master() {
  {
    MutexLock guard(lock());
    master_open_ = false;
    to_slave_.clear();
    to_master_.clear();
  }
  hang_up();
}

PtyMasterFile::~PtyMasterFile() {
  pty_->owner().master_closed(*pty_);
  pty_->close_master();
}

Result<long> PtyMasterFile::ioctl(uint32_t command, uint64_t argument) {
  if (command != abi::kTiocgptpeer) return pty_->master_ioctl(command, argument);
  auto flags = static_cast<uint32_t>(argument);
  return install_in_current_task(TRY(pty_->owner().open_peer(*pty_, flags)), flags);
}

}  // namespace lodge
