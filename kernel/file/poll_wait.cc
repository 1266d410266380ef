#include "kernel/file/poll_wait.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/file/fd_table.h"

namespace lodge {

bool PollWaiters::on_event(Waiter& waiter, PollEvents) {
  PollWaiters& self = *static_cast<Entry&>(waiter).owner;
  self.triggered_.store(true, std::memory_order_release);
  return wake(self.thread_);
}

PollWaiters::Entry* PollWaiters::next_entry() {
  if (used_ < kInline) return &inline_[used_++];
  size_t in_chunk = (used_ - kInline) % kPerChunk;
  if (in_chunk == 0) {
    auto chunk = make_raw<Chunk>();
    if (!chunk.ok()) return nullptr;
    (*chunk)->next = chunks_;
    chunks_ = *chunk;
  }
  used_++;
  return &chunks_->entries[in_chunk];
}

void PollWaiters::add(WaitQueue& queue) {
  Entry* e = next_entry();
  if (!e) {
    out_of_memory_ = true;
    return;
  }
  e->owner = this;
  e->file = RefPtr<File>(file_);
  e->interest = interest_;
  queue.add(*e);
}

void PollWaiters::clear(std::span<Entry> entries) {
  for (Entry& e : entries)
    if (e.queue) e.queue->remove(e);
}

PollWaiters::~PollWaiters() {
  clear(std::span(inline_, std::min(used_, kInline)));
  while (Chunk* c = chunks_) {
    clear(c->entries);
    chunks_ = c->next;
    destroy(c);
  }
}

WaitOutcome PollWaiters::wait(uint64_t deadline_ns) {
  WaitOutcome out = WaitOutcome::kDone;
  for (bool in_time = true;;) {
    prepare_to_wait(WaitMode::kInterruptible);
    if (triggered_.exchange(false, std::memory_order_acquire)) break;
    if (!in_time) {
      out = WaitOutcome::kTimedOut;
      break;
    }
    if (wait_interrupted(WaitMode::kInterruptible)) {
      out = WaitOutcome::kInterrupted;
      break;
    }
    in_time = wait_until_woken(deadline_ns);
  }
  finish_wait();
  return out;
}

Result<int> poll_files(FdTable& fds, std::span<PollItem> items, uint64_t deadline_ns) {
  PollWaiters waiters(current());
  bool registering = deadline_ns != 0;
  for (WaitOutcome outcome = WaitOutcome::kDone;;) {
    int ready = 0;
    for (PollItem& item : items) {
      item.got = 0;
      if (item.fd < 0) continue;
      auto file = fds.get(item.fd);
      if (file.ok()) {
        if (registering) waiters.aim(**file, item.wanted);
        item.got = (*file)->poll(registering ? &waiters : nullptr) & item.wanted;
      } else {
        item.got = kPollNval & item.wanted;
      }
      if (item.got != 0) {
        ready++;
        registering = false;
      }
    }
    registering = false;
    if (ready != 0 || outcome == WaitOutcome::kTimedOut) return ready;
    // A signal that the call's mask lets through is heard even if there is no time to wait.
    if (deadline_ns == 0) return wait_interrupted(WaitMode::kInterruptible) ? Result<int>(Errno::EINTR) : 0;
    if (waiters.out_of_memory()) return Errno::ENOMEM;
    if (outcome == WaitOutcome::kInterrupted) return Errno::EINTR;
    outcome = waiters.wait(deadline_ns);
  }
}

}  // namespace lodge
