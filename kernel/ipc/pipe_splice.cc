// What splice(2) and tee(2) do with pipes. Whole pages change pipes; to and from files bytes are copied once,
// by the file. Reference: splice(2), tee(2); Linux fs/splice.c.
#include <algorithm>
#include <cstring>

#include "kernel/file/io_cursor.h"
#include "kernel/ipc/pipe.h"
#include "kernel/ipc/signal_hook.h"

namespace lodge {

Result<void> Pipe::wait_for_data(bool nonblocking) {
  for (;;) {
    {
      MutexLock guard(lock_);
      if (has_data() || writers_ == 0) return {};
    }
    if (nonblocking) return Errno::EAGAIN;
    if (wait_event(readable_, [this] { return readable_or_ended(); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
}

Result<void> Pipe::wait_for_room(bool nonblocking) {
  for (;;) {
    bool broken;
    {
      MutexLock guard(lock_);
      broken = readers_ == 0;
      if (!broken && !full()) return {};
    }
    if (broken) {
      send_sigpipe(current());
      return Errno::EPIPE;
    }
    if (nonblocking) return Errno::EAGAIN;
    if (wait_event(writable_, [this] { return writable_or_broken(); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
}

Result<size_t> Pipe::splice_out(size_t n, bool nonblocking, Mover put) {
  size_t done = 0;
  Result<void> status;
  for (bool again = true; again && done == 0;) {
    TRY(wait_for_data(nonblocking));
    bool made_room = false, more = false;
    {
      SleepGuard turn(read_lock_);
      lock_.lock();
      again = !has_data() && writers_ != 0;  // another reader was quicker
      while (done < n && has_data()) {
        Slot s = slot(tail_);
        size_t want = std::min<size_t>(s.length, n - done);
        lock_.unlock();
        IoCursor from = IoCursor::kernel(s.page + s.offset, want);
        Result<size_t> moved = put(from);
        lock_.lock();
        size_t took = moved.ok() ? *moved : 0;
        if (!moved.ok()) status = moved.error();
        Slot& first = slot(tail_);
        first.offset += took;
        first.length -= took;
        done += took;
        if (first.length == 0 && !first.writing) {
          made_room |= full();
          free_slot(first);
        }
        if (took < want) break;
      }
      more = has_data();
      lock_.unlock();
    }
    if (made_room && !writable_.empty_hint()) writable_.wake(kWriteEvents);
    if (more && !readable_.empty_hint()) readable_.wake(kReadEvents);
  }
  if (done == 0) TRY(status);
  return done;
}

Result<size_t> Pipe::splice_in(size_t n, bool nonblocking, Mover get) {
  for (;;) {
    TRY(wait_for_room(nonblocking));
    SleepGuard turn(write_lock_);
    char* pages[kBatch];
    abi::Iovec segments[kBatch];
    uint32_t count = 0;
    lock_.lock();
    if (readers_ == 0 || full()) {  // another writer was quicker
      lock_.unlock();
      continue;
    }
    uint32_t room = slot_count() - (head_ - tail_);
    lock_.unlock();
    size_t left = n;
    while (left != 0 && count < std::min(room, kBatch)) {
      pages[count] = static_cast<char*>(Arena::current().alloc_pages(0));
      if (!pages[count]) break;
      segments[count] = {reinterpret_cast<uint64_t>(pages[count]), std::min(left, kPageSize)};
      left -= segments[count].length;
      count++;
    }
    if (count == 0) return Errno::ENOMEM;
    IoCursor to = IoCursor::kernel(std::span(segments, count));
    Result<size_t> moved = get(to);
    left = moved.ok() ? *moved : 0;
    lock_.lock();
    for (uint32_t i = 0; i < count; i++) {
      size_t length = std::min(left, kPageSize);
      left -= length;
      if (length == 0) {
        keep_page(pages[i]);
        continue;
      }
      slot(head_) = {pages[i], 0, static_cast<uint16_t>(length), false, false};
      head_++;
    }
    lock_.unlock();
    if (moved.ok() && *moved != 0 && !readable_.empty_hint()) readable_.wake(kReadEvents);
    return moved;
  }
}

// What of the slot is to go on: all of a page of its own, if it may be taken, or a copy of its first n bytes.
Result<Pipe::Slot> Pipe::take_or_copy(uint32_t number, size_t n, bool take) {
  Slot& s = slot(number);
  Slot out = {s.page, s.offset, static_cast<uint16_t>(std::min<size_t>(s.length, n)), s.packet, false};
  if (take && out.length == s.length && !s.writing) {
    tail_++;
    return out;
  }
  char* page = static_cast<char*>(Arena::current().alloc_pages(0));
  if (!page) return Errno::ENOMEM;
  std::memcpy(page, s.page + s.offset, out.length);
  out.page = page;
  out.offset = 0;
  if (take) {
    s.offset += out.length;
    s.length -= out.length;
  }
  return out;
}

Result<size_t> Pipe::move_between(Pipe& from, Pipe& to, size_t n, bool nonblocking, bool take) {
  for (;;) {
    // Both before either turn is taken: nobody is to wait for us meanwhile.
    TRY(from.wait_for_data(nonblocking));
    TRY(to.wait_for_room(nonblocking));
    size_t done = 0;
    bool made_room = false, ended = false, more = false;
    Result<void> status;
    {
      // Who holds a turn to write never asks for one to read, so turns are taken in one order.
      SleepGuard reading(from.read_lock_);
      SleepGuard writing(to.write_lock_);
      uint32_t room;
      {
        MutexLock guard(to.lock_);
        room = to.slot_count() - (to.head_ - to.tail_);
      }
      for (uint32_t i = 0; done < n && room != 0 && status.ok(); i++, room--) {
        Result<Slot> moved = Errno::EAGAIN;
        {
          MutexLock guard(from.lock_);
          uint32_t number = take ? from.tail_ : from.tail_ + i;
          if (number == from.head_ || from.slot(number).length == 0) {
            ended = from.writers_ == 0;
            break;
          }
          made_room |= take && from.full();
          moved = from.take_or_copy(number, n - done, take);
        }
        if (!moved.ok()) {
          status = moved.error();
          break;
        }
        MutexLock guard(to.lock_);
        to.slot(to.head_) = *moved;
        to.head_++;
        done += moved->length;
      }
      MutexLock guard(from.lock_);
      more = from.has_data();
    }
    if (made_room && !from.writable_.empty_hint()) from.writable_.wake(kWriteEvents);
    if (more && !from.readable_.empty_hint()) from.readable_.wake(kReadEvents);
    if (done != 0) {
      if (!to.readable_.empty_hint()) to.readable_.wake(kReadEvents);
      return done;
    }
    TRY(status);
    if (ended) return 0;
  }
}

}  // namespace lodge
