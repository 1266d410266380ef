// Priority-inheriting futexes: the word holds the owner's tid, FUTEX_WAITERS when somebody waits in the
// kernel, and FUTEX_OWNER_DIED. Userland takes and gives back a free one itself; it calls when the word is
// not as it hopes.
//
// A waiter queues itself, sets FUTEX_WAITERS and sleeps. The owner's unlock takes the first one out of the
// queue, writes its tid into the word and wakes it. If it found none, it frees the word and looks at the
// queue once more: whoever queued itself meanwhile, having seen the old word, is told to look again.
#include "kernel/task/futex_waiter.h"
#include "kernel/task/pid.h"

namespace lodge {

namespace {

constexpr uint32_t kWaiters = 0x80000000, kOwnerDied = 0x40000000, kTidMask = 0x3fffffff;

Futexes& futexes() {
  return kernel_part<Futexes>();
}

// Whether the owner will still give its futexes up: by unlocking, or when it exits.
bool owner_lives(int32_t tid) {
  MutexLock tree(tasks().lock);
  Task* t = tasks().task_locked(tid);
  return t && !t->gave_up_futexes;
}

FutexWaiter* first_locked(FutexBucket& b, const FutexKey& key) {
  for (FutexWaiter& w : b.waiters)
    if (w.key == key && w.pi) return &w;
  return nullptr;
}

void tell_to_look_again(FutexWaiter& w) {  // the bucket's lock is held
  w.look_again.store(true, std::memory_order_seq_cst);
  wake(*w.thread);
}

class PiWaiter {
 public:
  PiWaiter(Task& self, const FutexKey& key) : w_(self, key, kFutexAnyBit) {
    w_.pi = true;
    w_.priority = self.sched.rt_priority;
  }
  ~PiWaiter() {
    if (queued_) futexes().pi_waiters.fetch_sub(1, std::memory_order_seq_cst);
  }
  bool queued() const { return queued_; }
  void enqueue(int32_t owner) {
    futexes().pi_waiters.fetch_add(1, std::memory_order_seq_cst);
    w_.owner.store(owner, std::memory_order_relaxed);
    futex_enqueue(w_);
    queued_ = true;
  }
  // Takes it out of the queue. True if it has been given the lock meanwhile, after which the word says so.
  bool leave() {
    if (!queued_ || futex_leave(w_)) return false;
    // Taken out, but the word is still being written; if that fails, it is put back.
    while (!given()) {
      prepare_to_wait(WaitMode::kUninterruptible);
      bool back = !given() && futex_leave(w_);
      if (!back && !given()) wait_until_woken(host::kNever);
      finish_wait();
      if (back) return false;
    }
    if (w_.wake.load(std::memory_order_acquire) != Wake::kDone) {
      MutexLock guard(w_.bucket.load(std::memory_order_relaxed)->lock);  // until it is not touched any more
    }
    return true;
  }
  WaitOutcome sleep(int32_t owner, uint64_t deadline_ns) {
    w_.owner.store(owner, std::memory_order_seq_cst);
    return futex_sleep([&] { return given() || w_.look_again.exchange(false, std::memory_order_seq_cst); },
                       deadline_ns);
  }
  bool given() const { return w_.wake.load(std::memory_order_seq_cst) != Wake::kNo; }

 private:
  FutexWaiter w_;
  bool queued_ = false;
};

enum class Turn : uint8_t { kTaken, kAgain, kSleep };

// One look at the word.
Result<Turn> try_to_take(Task& self, UserAddr addr, bool queued, FutexTry how, int32_t& owner) {
  uint32_t word = TRY(load_user32(addr));
  owner = static_cast<int32_t>(word & kTidMask);
  if (owner == self.tid) return queued ? Result<Turn>(Turn::kTaken) : Errno::EDEADLK;  // queued: just given
  uint32_t waiters = queued ? kWaiters : word & kWaiters;
  if (owner == 0) {
    uint32_t taken = static_cast<uint32_t>(self.tid) | (word & kOwnerDied) | waiters;
    return TRY(cmpxchg_user32(addr, word, taken)) == word ? Turn::kTaken : Turn::kAgain;
  }
  if (how == FutexTry::kOnce) return Errno::EAGAIN;
  if (!owner_lives(owner)) {
    if (!queued) return TRY(load_user32(addr)) == word ? Result<Turn>(Errno::ESRCH) : Turn::kAgain;
    uint32_t taken = static_cast<uint32_t>(self.tid) | kOwnerDied | kWaiters;
    return TRY(cmpxchg_user32(addr, word, taken)) == word ? Turn::kTaken : Turn::kAgain;
  }
  if (!(word & kWaiters) && TRY(cmpxchg_user32(addr, word, word | kWaiters)) != word) return Turn::kAgain;
  return Turn::kSleep;
}

}  // namespace

Result<void> futex_lock_pi(Task& self, UserAddr addr, FutexScope scope, FutexTry how, uint64_t deadline_ns) {
  HeldKey held = TRY(futex_key(self, addr, scope));
  PiWaiter waiter(self, held.key);
  Result<void> failed{};
  for (;;) {
    int32_t owner = 0;
    auto turn = try_to_take(self, addr, waiter.queued(), how, owner);
    if (waiter.queued() && waiter.given()) break;
    if (!turn.ok()) {
      failed = turn.error();
      break;
    }
    if (*turn == Turn::kTaken) break;
    if (*turn == Turn::kAgain) continue;
    if (!waiter.queued()) {
      waiter.enqueue(owner);
      continue;  // an unlock that did not see us has changed the word
    }
    WaitOutcome out = waiter.sleep(owner, deadline_ns);
    if (out == WaitOutcome::kDone) continue;
    failed = out == WaitOutcome::kTimedOut ? Errno::ETIMEDOUT : Errno::EINTR;
    break;
  }
  if (waiter.leave()) return {};
  if (!failed.ok() && failed.error() == Errno::EINTR) return self.interrupted(Restart::kAlways);
  return failed;
}

Result<void> futex_unlock_pi(Task& self, UserAddr addr, FutexScope scope) {
  HeldKey held = TRY(futex_key(self, addr, scope));
  FutexBucket& b = futexes().bucket_of(held.key);
  uint32_t word = TRY(load_user32(addr));
  for (;;) {
    if ((word & kTidMask) != static_cast<uint32_t>(self.tid)) return Errno::EPERM;
    FutexWaiter* next;
    {
      MutexLock guard(b.lock);
      next = first_locked(b, held.key);
      if (next) List<FutexWaiter>::remove(*next);
    }
    // FUTEX_WAITERS stays set even if nobody else waits: whoever comes now takes it as said, and sleeps.
    uint32_t then = next ? static_cast<uint32_t>(static_cast<Task*>(next->thread)->tid) | kWaiters : 0;
    auto found = cmpxchg_user32(addr, word, then);
    bool stored = found.ok() && *found == word;
    MutexLock guard(b.lock);
    if (stored) {
      if (next)
        futex_wake_locked(*next);
      else if (FutexWaiter* late = first_locked(b, held.key))
        tell_to_look_again(*late);
      return {};
    }
    if (next) {
      b.waiters.push_front(*next);
      tell_to_look_again(*next);
    }
    if (!found.ok()) return found.error();
    word = *found;
  }
}

void futex_owner_exits(Task& self) {
  self.gave_up_futexes = true;
  Futexes& all = futexes();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (all.pi_waiters.load(std::memory_order_seq_cst) == 0) return;
  for (FutexBucket& b : all.buckets) {
    MutexLock guard(b.lock);
    for (FutexWaiter& w : b.waiters)
      if (w.pi && w.owner.load(std::memory_order_relaxed) == self.tid) tell_to_look_again(w);
  }
}

}  // namespace lodge
