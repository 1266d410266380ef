#include "kernel/ipc/event_fd.h"

#include "kernel/base/format.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/io_cursor.h"

namespace lodge {

Result<Ref<File>> EventFd::create(uint32_t initial, Mode mode, uint32_t flags) {
  return Ref<File>(TRY(make<EventFd>(anon_inode(), initial, mode, abi::kORdwr | flags)));
}

void EventFd::describe(Formatter& out) const {
  out.put("anon_inode:[eventfd]");
}

void EventFd::show_info(Formatter& out) {
  format(out, "eventfd-count: {:16x}\neventfd-semaphore: {}\n", count_.load(std::memory_order_relaxed),
         mode_ == Mode::kSemaphore ? 1 : 0);
}

bool EventFd::add(uint64_t n) {
  uint64_t seen = count_.load(std::memory_order_relaxed);
  do {
    if (n > kMax - seen) return false;
  } while (!count_.compare_exchange_weak(seen, seen + n));
  return true;
}

uint64_t EventFd::take() {
  uint64_t seen = count_.load(std::memory_order_relaxed), taken;
  do {
    if (seen == 0) return 0;
    taken = mode_ == Mode::kSemaphore ? 1 : seen;
  } while (!count_.compare_exchange_weak(seen, seen - taken));
  return taken;
}

Result<size_t> EventFd::read(IoCursor& to, uint64_t) {
  if (to.remaining() < sizeof(uint64_t)) return Errno::EINVAL;
  uint64_t taken = take();
  if (taken == 0) {
    if (nonblocking()) return Errno::EAGAIN;
    if (wait_event(queue_, [&] { return (taken = take()) != 0; }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
  queue_.wake(kPollOut | kPollWrNorm);
  return to.copy_out(&taken, sizeof taken);
}

Result<size_t> EventFd::write(IoCursor& from, uint64_t) {
  uint64_t n;
  if (from.remaining() < sizeof n) return Errno::EINVAL;
  if (TRY(from.copy_in(&n, sizeof n)) < sizeof n) return Errno::EFAULT;
  if (n > kMax) return Errno::EINVAL;
  if (!add(n)) {
    if (nonblocking()) return Errno::EAGAIN;
    if (wait_event(queue_, [&] { return add(n); }) == WaitOutcome::kInterrupted)
      return current().interrupted(Restart::kSys);
  }
  queue_.wake(kPollIn | kPollRdNorm);
  return sizeof n;
}

PollEvents EventFd::poll(PollTable* table) {
  if (table) table->add(queue_);
  uint64_t n = count_.load();
  PollEvents in = kPollIn, out = kPollOut;
  return (n != 0 ? in : 0) | (n < kMax ? out : 0);
}

}  // namespace lodge
