#include "kernel/platform/console/stream_file.h"

#include "kernel/abi/ioctl.h"
#include "kernel/base/format.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/host.h"
#include "kernel/ipc/signal_hook.h"
#include "kernel/platform/console/console_driver.h"

namespace lodge {

using mailbox::ByteRing;
using mailbox::kStreamBytes;

namespace {

WaitQueue& stream_waiters() {
  return kernel_part<ConsoleState>().stream_waiters;
}

uint32_t filled(const ByteRing& r) {
  uint32_t used = r.tail.load(std::memory_order_acquire) - r.head.load(std::memory_order_acquire);
  return used <= kStreamBytes ? used : 0;
}

}  // namespace

StreamInode::StreamInode(AnonSuperblock& sb, ByteRing& bytes, Direction way)
    : AnonInode(sb, sb.next_ino(), abi::kTypeFifo | 0600, Owner{0, 0}), ring(bytes), direction_(way) {}

Result<Ref<File>> StreamInode::open(uint32_t flags) {
  uint32_t mode = flags & abi::kOAccMode;
  if (mode != (direction_ == Direction::kRead ? abi::kORdonly : abi::kOWronly)) return Errno::EACCES;
  Ref<StreamFile> file = TRY(make<StreamFile>(Ref<StreamInode>(*this), flags));
  files_.fetch_add(1, std::memory_order_relaxed);
  return Ref<File>(std::move(file));
}

void StreamInode::file_closed() {
  if (files_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (direction_ == Direction::kRead) {
    ring.closed_out.store(1);
    ring.space_bell.fetch_add(1);
    host::futex_wake(ring.space_bell, 1);
  } else {
    ring.closed_in.store(1);
    ring.data_bell.fetch_add(1);
    host::futex_wake(ring.data_bell, 1);
  }
}

Result<Ref<File>> open_stream(ByteRing& ring, uint32_t flags) {
  using Direction = StreamInode::Direction;
  Direction way = (flags & abi::kOAccMode) == abi::kORdonly ? Direction::kRead : Direction::kWrite;
  Ref<StreamInode> inode = TRY(make<StreamInode>(kernel_part<AnonFileState>().sb, ring, way));
  return inode->open(flags);
}

void StreamFile::describe(Formatter& out) const {
  format(out, "pipe:[{}]", inode()->ino());
}

Result<size_t> StreamFile::read(IoCursor& to, uint64_t) {
  SleepGuard turn(stream_.turn);
  if (to.remaining() == 0) return size_t{0};
  auto ready = [&] { return filled(ring_) > 0 || ring_.closed_in.load() != 0; };
  if (!ready()) {
    if (nonblocking()) return Errno::EAGAIN;
    if (wait_event(stream_waiters(), ready) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
  size_t done = 0;
  while (to.remaining() > 0) {
    uint32_t used = filled(ring_);
    if (used == 0) break;
    uint32_t head = ring_.head.load(std::memory_order_relaxed), at = head % kStreamBytes;
    size_t n = used < kStreamBytes - at ? used : kStreamBytes - at;
    auto copied = to.copy_out(ring_.data + at, n);
    if (!copied.ok()) return done ? Result<size_t>(done) : copied.error();
    ring_.head.store(head + static_cast<uint32_t>(*copied), std::memory_order_release);
    done += *copied;
    if (*copied < n) break;
  }
  ring_.space_bell.fetch_add(1, std::memory_order_seq_cst);
  if (ring_.writer_waits.load(std::memory_order_seq_cst)) host::futex_wake(ring_.space_bell, 1);
  return done;
}

Result<size_t> StreamFile::write(IoCursor& from, uint64_t) {
  SleepGuard turn(stream_.turn);
  size_t done = 0;
  auto stop = [&](Errno e) { return done ? Result<size_t>(done) : Result<size_t>(e); };
  while (from.remaining() > 0) {
    if (ring_.closed_out.load()) {
      send_sigpipe(current());
      return stop(Errno::EPIPE);
    }
    uint32_t used = filled(ring_);
    if (used == kStreamBytes) {
      if (nonblocking()) return stop(Errno::EAGAIN);
      auto room = [&] {
        ring_.writer_waits.store(1, std::memory_order_seq_cst);
        return filled(ring_) < kStreamBytes || ring_.closed_out.load() != 0;
      };
      if (wait_event(stream_waiters(), room) == WaitOutcome::kInterrupted)
        return done ? Result<size_t>(done) : current().interrupted(Restart::kSys);
      continue;
    }
    uint32_t tail = ring_.tail.load(std::memory_order_relaxed), at = tail % kStreamBytes;
    size_t room = kStreamBytes - used < kStreamBytes - at ? kStreamBytes - used : kStreamBytes - at;
    auto copied = from.copy_in(ring_.data + at, room);
    if (!copied.ok()) return stop(copied.error());
    ring_.tail.store(tail + static_cast<uint32_t>(*copied), std::memory_order_release);
    ring_.data_bell.fetch_add(1, std::memory_order_seq_cst);
    if (ring_.reader_waits.load(std::memory_order_seq_cst)) host::futex_wake(ring_.data_bell, 1);
    done += *copied;
    if (*copied == 0) break;
  }
  return done;
}

PollEvents StreamFile::poll(PollTable* table) {
  if (table) table->add(stream_waiters());
  if (readable()) {
    PollEvents e = filled(ring_) > 0 ? kPollIn | kPollRdNorm : 0;
    if (ring_.closed_in.load()) e |= kPollHup;
    return e;
  }
  ring_.writer_waits.store(1, std::memory_order_seq_cst);
  PollEvents e = filled(ring_) < kStreamBytes ? kPollOut | kPollWrNorm : 0;
  if (ring_.closed_out.load()) e |= kPollErr;
  return e;
}

Result<long> StreamFile::ioctl(uint32_t command, uint64_t argument) {
  if (command != abi::kFionread) return Errno::ENOTTY;
  TRY(store_user32(argument, filled(ring_)));
  return 0L;
}

}  // namespace lodge
