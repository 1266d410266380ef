#include "kernel/ipc/pipe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/file/cred.h"
#include "kernel/file/io_cursor.h"
#include "kernel/ipc/fifo.h"
#include "kernel/ipc/signal_hook.h"

namespace lodge {

Pipe::~Pipe() {
  for (; tail_ != head_; tail_++) arena_free(slot(tail_).page);
  for (uint32_t i = 0; i < spare_count_; i++) arena_free(spares_[i]);
  if (slots_ != inline_slots_) arena_free(slots_);
}

void Pipe::on_last_ref() {
  if (fifo_) forget_fifo_pipe(*this);
  destroy(this);
}

void Pipe::keep_page(char* page) {
  if (spare_count_ < kSpares)
    spares_[spare_count_++] = page;
  else
    arena_free(page);
}

void Pipe::free_slot(Slot& s) {
  keep_page(s.page);
  tail_++;
}

bool Pipe::readable_or_ended() {
  MutexLock guard(lock_);
  return has_data() || writers_ == 0;
}

bool Pipe::writable_or_broken() {
  MutexLock guard(lock_);
  return !full() || readers_ == 0;
}

// Copies out until the ring or the cursor ends. A slot whose bytes cannot all be copied stays as it is.
Pipe::Moved Pipe::drain(IoCursor& to) {
  Moved moved;
  lock_.lock();
  while (moved.status.ok() && to.remaining() != 0 && has_data()) {
    // Several slots at a time: two that change places at the lock for each page wait more than they copy.
    // Nobody else reads, and what the writer adds to the last slot comes behind what is copied.
    struct {
      const char* from;
      size_t length;
    } pieces[kBatch];
    uint32_t count = 0, copied = 0;
    bool packet = false;
    for (size_t left = to.remaining(); left != 0 && count < kBatch && tail_ + count != head_ && !packet;) {
      const Slot& s = slot(tail_ + count);
      packet = s.packet;
      if (packet && count != 0) break;
      size_t n = std::min<size_t>(s.length, left);
      pieces[count++] = {s.page + s.offset, n};
      left -= n;
    }
    lock_.unlock();
    for (; copied < count && moved.status.ok(); copied++) {
      Result<size_t> done = to.copy_out(pieces[copied].from, pieces[copied].length);
      if (!done.ok() || *done < pieces[copied].length) moved.status = Errno::EFAULT;
    }
    if (!moved.status.ok()) copied--;
    lock_.lock();
    for (uint32_t i = 0; i < copied; i++) {
      Slot& s = slot(tail_);
      s.offset += pieces[i].length;
      s.length -= pieces[i].length;
      moved.bytes += pieces[i].length;
      if (s.packet) s.length = 0;             // what did not fit of a packet is lost
      if (s.length != 0 || s.writing) break;  // it is the last one
      moved.made_room |= full();              // a writer may have filled it while we copied
      free_slot(s);
    }
    if (packet) break;
  }
  lock_.unlock();
  return moved;
}

Result<size_t> Pipe::read(IoCursor& to, Options options) {
  if (to.remaining() == 0) return 0;
  bool waited = false;
  for (;;) {
    Moved moved;
    {
      SleepGuard turn(read_lock_);
      moved = drain(to);
    }
    if (moved.made_room && !writable_.empty_hint()) writable_.wake(kWriteEvents);
    if (moved.bytes != 0) {
      // The wake-up that brought this reader here may have been for what it now leaves to the next one.
      if (waited && !readable_.empty_hint() && readable_or_ended()) readable_.wake(kReadEvents);
      return moved.bytes;
    }
    TRY(moved.status);
    {
      MutexLock guard(lock_);
      if (has_data()) continue;
      if (writers_ == 0) return 0;
    }
    if (options.nonblocking) return Errno::EAGAIN;
    waited = true;
    if (wait_event_exclusive(readable_, [this] { return readable_or_ended(); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
}

// Copies n bytes behind those of the last slot if it takes them all. True: moved says what became of it.
bool Pipe::append_to_last(IoCursor& from, size_t n, Moved& moved) {
  if (!has_data()) return false;
  Slot& s = slot(head_ - 1);
  size_t end = s.offset + s.length;
  if (s.packet || end + n > kPageSize) return false;
  s.writing = true;
  lock_.unlock();
  Result<size_t> copied = from.copy_in(s.page + end, n);
  lock_.lock();
  s.writing = false;
  if (copied.ok() && *copied == n) {
    s.length += n;
    moved.bytes += n;
  } else {
    moved.status = Errno::EFAULT;
    if (s.length == 0) free_slot(s);  // the reader emptied it meanwhile, so it is the first one, too
  }
  return true;
}

// Copies in until the ring is full or the cursor ends. total: what the whole call writes; first: nothing of
// it is written yet. A slot that cannot be filled as it should is not added.
Pipe::Moved Pipe::fill(IoCursor& from, Options options, size_t total, bool first) {
  Moved moved;
  lock_.lock();
  while (from.remaining() != 0) {
    if (readers_ == 0) {
      moved.status = Errno::EPIPE;
      break;
    }
    // The part that does not fill a page goes first where it fits, so that small writes share a page.
    size_t odd = total % kPageSize;
    if (std::exchange(first, false) && odd != 0 && append_to_last(from, odd, moved)) {
      if (!moved.status.ok()) break;
      continue;
    }
    if (full()) break;
    uint32_t room = slot_count() - (head_ - tail_);
    uint32_t count = static_cast<uint32_t>(
        std::min<size_t>({room, kBatch, (from.remaining() + kPageSize - 1) / kPageSize}));
    // One page of a pipe lies in the hot region: that is all that small traffic needs.
    Heat heat = head_ == tail_ ? Heat::kHot : Heat::kCold;
    Slot fresh[kBatch];
    uint32_t spares = std::min(count, spare_count_), filled = 0;
    for (uint32_t i = 0; i < spares; i++) fresh[i].page = spares_[--spare_count_];
    lock_.unlock();
    char* unused = nullptr;
    for (; filled < count; filled++) {
      char* page =
          filled < spares ? fresh[filled].page : static_cast<char*>(Arena::current().alloc_pages(0, heat));
      heat = Heat::kCold;
      size_t n = std::min(from.remaining(), kPageSize);
      Result<size_t> copied = page ? from.copy_in(page, n) : Errno::ENOMEM;
      if (!copied.ok() || *copied < n) {
        moved.status = copied.ok() ? Errno::EFAULT : copied.error();
        unused = page;
        break;
      }
      fresh[filled] = {page, 0, static_cast<uint16_t>(n), options.packets, false};
    }
    lock_.lock();
    for (uint32_t i = 0; i < filled; i++) {
      slot(head_) = fresh[i];
      head_++;
      moved.bytes += fresh[i].length;
    }
    if (moved.status.ok()) continue;
    if (unused) keep_page(unused);
    for (uint32_t i = filled + 1; i < spares; i++) keep_page(fresh[i].page);
    break;
  }
  lock_.unlock();
  return moved;
}

Result<size_t> Pipe::write(IoCursor& from, Options options) {
  size_t total = from.remaining(), done = 0;
  if (total == 0) return 0;
  bool waited = false;
  for (;;) {
    Moved moved;
    {
      SleepGuard turn(write_lock_);
      moved = fill(from, options, total, !waited);
    }
    done += moved.bytes;
    if (moved.bytes != 0 && !readable_.empty_hint()) readable_.wake(kReadEvents);
    if (!moved.status.ok()) {
      if (moved.status.error() == Errno::EPIPE) send_sigpipe(current());
      if (done != 0) return done;
      return moved.status.error();
    }
    if (from.remaining() == 0) {
      if (waited && !writable_.empty_hint() && writable_or_broken()) writable_.wake(kWriteEvents);
      return done;
    }
    if (options.nonblocking) {
      if (done != 0) return done;
      return Errno::EAGAIN;
    }
    waited = true;
    if (wait_event_exclusive(writable_, [this] { return writable_or_broken(); }) ==
        WaitOutcome::kInterrupted) {
      if (done != 0) return done;
      return current().interrupted(Restart::kSys);
    }
  }
}

void Pipe::add_ends(unsigned ends) {
  MutexLock guard(lock_);
  if (ends & kPipeReadEnd) {
    readers_++;
    read_opens_.fetch_add(1, std::memory_order_relaxed);
  }
  if (ends & kPipeWriteEnd) {
    writers_++;
    write_opens_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Pipe::drop_ends(unsigned ends) {
  bool one_side_gone;
  {
    MutexLock guard(lock_);
    if (ends & kPipeReadEnd) readers_--;
    if (ends & kPipeWriteEnd) writers_--;
    one_side_gone = (readers_ == 0) != (writers_ == 0);
  }
  if (!one_side_gone) return;
  readable_.wake_all(kReadEvents | kPollErr | kPollHup);
  writable_.wake_all(kWriteEvents | kPollErr | kPollHup);
}

Result<void> Pipe::wait_for_partner(const std::atomic<uint32_t>& opens, uint32_t seen, unsigned own_end) {
  auto partner_came = [&] { return opens.load(std::memory_order_relaxed) != seen; };
  WaitQueue& queue = own_end == kPipeReadEnd ? readable_ : writable_;
  if (wait_event(queue, partner_came) == WaitOutcome::kDone) return {};
  drop_ends(own_end);
  return current().interrupted(Restart::kSys);
}

Result<void> Pipe::open_fifo(unsigned ends, Options options) {
  bool partner;
  uint32_t seen = 0;
  {
    MutexLock guard(lock_);
    partner = ends == kPipeReadEnd ? writers_ != 0 : readers_ != 0;
    if (ends == kPipeWriteEnd && !partner && options.nonblocking) return Errno::ENXIO;
    seen = (ends == kPipeReadEnd ? write_opens_ : read_opens_).load(std::memory_order_relaxed);
  }
  add_ends(ends);
  if (ends & kPipeReadEnd) writable_.wake_all();
  if (ends & kPipeWriteEnd) readable_.wake_all();
  if (partner || options.nonblocking || ends == (kPipeReadEnd | kPipeWriteEnd)) return {};
  return wait_for_partner(ends == kPipeReadEnd ? write_opens_ : read_opens_, seen, ends);
}

PollEvents Pipe::poll(unsigned ends, uint32_t writers_seen, PollTable* table) {
  if (table) {
    if (ends & kPipeReadEnd) table->add(readable_);
    if (ends & kPipeWriteEnd) table->add(writable_);
  }
  MutexLock guard(lock_);
  PollEvents events = 0;
  if (ends & kPipeReadEnd) {
    if (has_data()) events |= kReadEvents;
    if (writers_ == 0 && write_opens_.load(std::memory_order_relaxed) != writers_seen) events |= kPollHup;
  }
  if (ends & kPipeWriteEnd) {
    if (!full()) events |= kWriteEvents;
    if (readers_ == 0) events |= kPollErr;
  }
  return events;
}

uint32_t Pipe::idle_write_opens() {
  MutexLock guard(lock_);
  return writers_ == 0 ? write_opens_.load(std::memory_order_relaxed) : 0;
}

size_t Pipe::readable_bytes() {
  MutexLock guard(lock_);
  size_t n = 0;
  for (uint32_t i = tail_; i != head_; i++) n += slot(i).length;
  return n;
}

Result<uint32_t> Pipe::set_capacity(uint64_t bytes, const Cred& cred) {
  if (bytes > 1u << 31) return Errno::EINVAL;
  auto count = static_cast<uint32_t>(std::bit_ceil(std::max<uint64_t>(bytes, kPageSize)) >> kPageShift);
  if (count > slot_count() && bytes > kMaxSizeUnprivileged && !cred.capable(Cap::kSysResource))
    return Errno::EPERM;
  auto* fresh = static_cast<Slot*>(arena_alloc(count * sizeof(Slot)));
  if (!fresh) return Errno::ENOMEM;
  bool grown = false;
  Slot* old = fresh;
  {
    SleepGuard no_reader(read_lock_);
    SleepGuard no_writer(write_lock_);
    MutexLock guard(lock_);
    if (head_ - tail_ <= count) {
      uint32_t used = head_ - tail_;
      for (uint32_t i = 0; i < used; i++) fresh[i] = slot(tail_ + i);
      grown = full() && used < count;
      tail_ = 0;
      head_ = used;
      slot_count_.store(count, std::memory_order_relaxed);
      old = std::exchange(slots_, fresh);
    }
  }
  bool busy = old == fresh;
  if (old != inline_slots_) arena_free(old);
  if (busy) return Errno::EBUSY;
  if (grown) writable_.wake_all(kWriteEvents);
  return capacity();
}

}  // namespace lodge
