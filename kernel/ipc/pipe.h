// Pipe: the ring behind pipe(2) and FIFOs (pipe(7)). A ring of slots, each with a page of the arena and the
// bytes in it that are still to be read: what one write of up to PIPE_BUF bytes puts in lies in one slot, so
// it is atomic. Small writes join the last slot; in packet mode (O_DIRECT) each write has a slot of its own.
// Pages are taken when a slot is filled, and up to two that were emptied are kept, so that small traffic
// allocates nothing.
//
// Locks, in this order: read_lock_ (sleeping) makes readers take turns, write_lock_ (sleeping) writers; both
// are held while bytes are copied from or to the guest, neither while waiting for the other side. lock_
// (kPipe) guards the ring itself, for moments. A reader and a writer copy at the same time: the reader from
// the first slot, the writer to a page that is not in the ring yet, or behind the end of the last slot, which
// is marked `writing` so that the reader does not free it. Reference: Linux fs/pipe.c; pipe(2), pipe(7),
// fifo(7), fcntl(2).
#pragma once
#include <cstdint>

#include "kernel/base/arena.h"
#include "kernel/base/function_ref.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/file/poll.h"
#include "kernel/sched/sleep_lock.h"
#include "kernel/sched/wait.h"

namespace lodge {

class Cred;
class Inode;
class IoCursor;

enum PipeEnd : uint8_t { kPipeReadEnd = 1, kPipeWriteEnd = 2 };

class Pipe : public RefCounted<Pipe>, public ListNode<Pipe> {
 public:
  static constexpr SlabId kSlab = SlabId::kPipe;
  static constexpr uint32_t kDefaultSlots = 16;
  static constexpr uint32_t kMaxSizeUnprivileged = 1 << 20;  // /proc/sys/fs/pipe-max-size

  // fifo: the inode that this is the pipe of, or null.
  explicit Pipe(const Inode* fifo) : fifo_(fifo) {}
  ~Pipe();
  void on_last_ref();

  struct Options {
    bool nonblocking = false;
    bool packets = false;
  };
  Result<size_t> read(IoCursor& to, Options options);
  Result<size_t> write(IoCursor& from, Options options);

  // A file's side of a splice: moves bytes between itself and the cursor, and says how many.
  using Mover = FunctionRef<Result<size_t>(IoCursor&)>;
  // Up to n bytes out of the pipe to `put`, or from `get` into it; waits until one can be moved. What is not
  // put stays in the pipe. 0: there is no writer, or `get` is at its end.
  Result<size_t> splice_out(size_t n, bool nonblocking, Mover put);
  Result<size_t> splice_in(size_t n, bool nonblocking, Mover get);
  // From one pipe to another one; `take` is splice(2), else it is tee(2), which leaves the bytes where they
  // are.
  static Result<size_t> move_between(Pipe& from, Pipe& to, size_t n, bool nonblocking, bool take);

  // Ends are counted per open file description; `ends` is a set of PipeEnd.
  void add_ends(unsigned ends);
  void drop_ends(unsigned ends);
  // The rules by which open(2) of a FIFO waits for the other side (fifo(7)); adds the ends.
  Result<void> open_fifo(unsigned ends, Options options);

  // writers_seen: the idle_write_opens() that the reader's open saw; no hang-up is told before a writer came
  // after it.
  PollEvents poll(unsigned ends, uint32_t writers_seen, PollTable* table);
  // How often a write end was opened, ever; 0 while there is a writer.
  uint32_t idle_write_opens();

  size_t readable_bytes();
  uint32_t capacity() const {
    return slot_count_.load(std::memory_order_relaxed) * static_cast<uint32_t>(kPageSize);
  }
  Result<uint32_t> set_capacity(uint64_t bytes, const Cred& cred);
  const Inode* fifo() const { return fifo_; }

 private:
  static constexpr PollEvents kReadEvents = kPollIn | kPollRdNorm;
  static constexpr PollEvents kWriteEvents = kPollOut | kPollWrNorm;
  struct Slot {
    char* page;
    uint16_t offset;  // of the first byte not yet read
    uint16_t length;  // bytes not yet read
    bool packet;
    bool writing;  // a writer copies bytes behind the end; it, not the reader, frees the slot
  };
  struct Moved {
    size_t bytes = 0;
    Result<void> status;
    bool made_room = false;  // of drain(): the ring was full and is no longer
  };
  static constexpr uint32_t kSpares = 2;
  static constexpr uint32_t kBatch = 16;  // slots that are copied between two looks at the ring

  Slot& slot(uint32_t i) { return slots_[i & (slot_count() - 1)]; }
  uint32_t slot_count() const { return slot_count_.load(std::memory_order_relaxed); }
  bool has_data() REQUIRES(lock_) { return head_ != tail_ && slot(tail_).length != 0; }
  bool full() const REQUIRES(lock_) { return head_ - tail_ >= slot_count(); }
  void keep_page(char* page) REQUIRES(lock_);
  void free_slot(Slot& s) REQUIRES(lock_);
  Moved drain(IoCursor& to);
  Moved fill(IoCursor& from, Options options, size_t total, bool first);
  bool append_to_last(IoCursor& from, size_t n, Moved& moved) REQUIRES(lock_);
  Result<void> wait_for_data(bool nonblocking);  // or for the end
  Result<void> wait_for_room(bool nonblocking);  // EPIPE: there is no reader
  Result<Slot> take_or_copy(uint32_t number, size_t n, bool take) REQUIRES(lock_);
  bool readable_or_ended();
  bool writable_or_broken();
  Result<void> wait_for_partner(const std::atomic<uint32_t>& opens, uint32_t seen, unsigned own_end);

  SleepMutex read_lock_;
  SleepMutex write_lock_;
  Mutex lock_{LockClass::kPipe};
  // Slots tail_ to head_ - 1 are in use, by number modulo slot_count_. Sizes change under all three locks.
  uint32_t head_ GUARDED_BY(lock_) = 0;
  uint32_t tail_ GUARDED_BY(lock_) = 0;
  uint32_t readers_ GUARDED_BY(lock_) = 0;
  uint32_t writers_ GUARDED_BY(lock_) = 0;
  std::atomic<uint32_t> slot_count_{kDefaultSlots};
  std::atomic<uint32_t> read_opens_{
      0};  // how often an end was opened, ever: what a FIFO's open waits to change
  std::atomic<uint32_t> write_opens_{0};
  uint32_t spare_count_ GUARDED_BY(lock_) = 0;
  char* spares_[kSpares] GUARDED_BY(lock_) = {};
  const Inode* const fifo_;
  Slot* slots_ = inline_slots_;
  WaitQueue readable_;
  WaitQueue writable_;
  Slot inline_slots_[kDefaultSlots] = {};
};

}  // namespace lodge
