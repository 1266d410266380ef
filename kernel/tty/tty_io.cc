// Terminals: reading, writing, poll.
#include <algorithm>

#include "kernel/abi/signal.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/host.h"
#include "kernel/tty/tty.h"

namespace lodge {
namespace {

constexpr size_t kChunk = 512;
constexpr uint64_t kTenth = 100'000'000;  // VTIME's unit, ns
// Room that any one character needs: less is none, so that nobody is told of room that he cannot use.
constexpr size_t kUsefulRoom = 8;

}  // namespace

Result<void> Tty::take_turn(Turn turn, Use use) {
  auto grab = [&] {
    MutexLock guard(lock_);
    return !std::exchange(turns_taken_[turn], true);
  };
  if (grab()) return {};
  if (use.nonblocking) return Errno::EAGAIN;
  if (wait_event(turns_, grab) == WaitOutcome::kInterrupted) return current().interrupted(Restart::kSys);
  return {};
}

void Tty::end_turn(Turn turn) {
  {
    MutexLock guard(lock_);
    turns_taken_[turn] = false;
  }
  turns_.wake();
}

bool Tty::input_or_hangup(uint32_t epoch) {
  MutexLock guard(lock_);
  return hung_up(epoch) || ldisc_.readable();
}

bool Tty::room_or_hangup(uint32_t epoch) {
  MutexLock guard(lock_);
  return hung_up(epoch) || output_room() >= kUsefulRoom;
}

Result<size_t> Tty::read(IoCursor& to, Use use) {
  if (hung_up(use.epoch) || to.remaining() == 0) return 0;
  TRY(check_background(abi::kSigTtin));
  TRY(take_turn(kReading, use));
  Result<size_t> r = read_in_turn(to, use);
  end_turn(kReading);
  return r;
}

Result<size_t> Tty::read_in_turn(IoCursor& to, Use use) {
  // What ends a raw read (termios(3), "Canonical and noncanonical mode"); a canonical one ends with its line.
  size_t minimum = 1;
  uint64_t deadline = host::kNever, between_bytes = 0;
  {
    MutexLock guard(lock_);
    if (!ldisc_.canonical()) {
      uint64_t time = ldisc_.termios().cc[abi::kVtime] * kTenth;
      if (uint8_t vmin = ldisc_.termios().cc[abi::kVmin]; vmin != 0) {
        minimum = vmin;
        between_bytes = time;
      } else {
        deadline = time != 0 ? host::monotonic_ns() + time : 0;
      }
    }
  }
  size_t done = 0;
  for (;;) {
    char chunk[kChunk];
    LineDiscipline::Piece piece;
    bool canonical;
    {
      MutexLock guard(lock_);
      canonical = ldisc_.canonical();
      size_t wanted = std::min(sizeof chunk, to.remaining());
      piece = ldisc_.read(std::span(chunk, wanted));
      if (canonical && !piece.line_ended && piece.bytes == to.remaining()) ldisc_.skip_eof_mark();
      after_read();
    }
    if (piece.bytes != 0) {
      Result<size_t> copied = to.copy_out(chunk, piece.bytes);
      if (copied.ok()) done += *copied;
      if (!copied.ok() || *copied < piece.bytes) {
        if (done != 0) return done;
        return Errno::EFAULT;
      }
      if (between_bytes != 0) deadline = host::monotonic_ns() + between_bytes;
    }
    if (piece.line_ended || to.remaining() == 0) return done;
    if (piece.bytes == sizeof chunk || (canonical && piece.bytes != 0)) continue;  // there may be more of it
    if (done != 0 && (canonical || done >= minimum)) return done;
    if (hung_up(use.epoch) || deadline == 0) return done;
    if (use.nonblocking) {
      if (done != 0) return done;
      return Errno::EAGAIN;
    }
    WaitOutcome out = wait_event(
        readable_, [&] { return input_or_hangup(use.epoch); }, WaitMode::kInterruptible, deadline);
    if (out == WaitOutcome::kDone) continue;
    if (done != 0 || out == WaitOutcome::kTimedOut) return done;
    return current().interrupted(Restart::kSys);
  }
}

Result<size_t> Tty::write(IoCursor& from, Use use) {
  if (hung_up(use.epoch)) return Errno::EIO;
  bool stop_background;
  {
    MutexLock guard(lock_);
    stop_background = (ldisc_.termios().lflag & abi::kTostop) != 0;
  }
  if (stop_background) TRY(check_background(abi::kSigTtou));
  TRY(take_turn(kWriting, use));
  Result<size_t> r = write_in_turn(from, use);
  end_turn(kWriting);
  return r;
}

Result<size_t> Tty::write_in_turn(IoCursor& from, Use use) {
  size_t done = 0;
  auto so_far_or = [&](Errno e) -> Result<size_t> {
    if (done != 0) return done;
    return e;
  };
  while (from.remaining() != 0) {
    char chunk[kChunk];
    Result<size_t> copied = from.copy_in(chunk, std::min(sizeof chunk, from.remaining()));
    if (!copied.ok()) return so_far_or(copied.error());
    for (size_t sent = 0; sent < *copied;) {
      size_t taken = 0;
      {
        MutexLock guard(lock_);
        if (hung_up(use.epoch)) return so_far_or(Errno::EIO);
        taken = ldisc_.write(chunk + sent, *copied - sent);
      }
      sent += taken;
      done += taken;
      if (sent == *copied) break;
      if (use.nonblocking) return so_far_or(Errno::EAGAIN);
      if (wait_event(writable_, [&] { return room_or_hangup(use.epoch); }) == WaitOutcome::kInterrupted)
        return done != 0 ? Result<size_t>(done) : current().interrupted(Restart::kSys);
    }
  }
  return done;
}

Result<void> Tty::wait_until_sent(Use use) {
  auto sent = [&] {
    MutexLock guard(lock_);
    return hung_up(use.epoch) || driver_.unsent() == 0;
  };
  if (wait_event(writable_, sent) == WaitOutcome::kInterrupted) return current().interrupted(Restart::kSys);
  return {};
}

PollEvents Tty::poll(uint32_t epoch, PollTable* table) {
  if (table) {
    table->add(readable_);
    table->add(writable_);
  }
  constexpr PollEvents kIn = kPollIn | kPollRdNorm, kOut = kPollOut | kPollWrNorm;
  MutexLock guard(lock_);
  if (hung_up(epoch)) return kIn | kOut | kPollErr | kPollHup;
  PollEvents events = 0;
  const abi::Termios& t = ldisc_.termios();
  uint32_t minimum = t.cc[abi::kVtime] == 0 && t.cc[abi::kVmin] != 0 ? t.cc[abi::kVmin] : 1;
  if (ldisc_.readable(minimum)) events |= kIn;
  if (output_room() >= kUsefulRoom) events |= kOut;
  return events;
}

}  // namespace lodge
