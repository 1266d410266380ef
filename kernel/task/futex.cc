// Waiting and waking. Linux: kernel/futex/.
#include "kernel/task/futex.h"

#include "kernel/base/arena.h"
#include "kernel/base/vector.h"
#include "kernel/task/futex_waiter.h"

namespace lodge {

namespace {

Futexes& futexes() {
  return kernel_part<Futexes>();
}

Errno why_not_woken(WaitOutcome out) {
  return out == WaitOutcome::kTimedOut ? Errno::ETIMEDOUT : Errno::EINTR;
}

struct TwoBuckets {
  TwoBuckets(FutexBucket& a, FutexBucket& b) : first(&a < &b ? a : b), second(&a < &b ? b : a) {
    first.lock.lock();
    if (&first != &second) second.lock.lock(LockMode::kNested);
  }
  ~TwoBuckets() {
    if (&first != &second) second.lock.unlock();
    first.lock.unlock();
  }
  TwoBuckets(const TwoBuckets&) = delete;

  FutexBucket& first;
  FutexBucket& second;
};

Result<int> wake_key(const FutexKey& key, int count, uint32_t bitset) {
  FutexBucket& b = futexes().bucket_of(key);
  MutexLock guard(b.lock);
  int woken = 0;
  for (FutexWaiter& w : b.waiters) {
    if (w.key != key || !(w.bitset & bitset)) continue;
    if (w.pi) return Errno::EINVAL;
    futex_wake_locked(w);
    if (++woken >= count) break;
  }
  return woken;
}

struct WakeOp {
  explicit WakeOp(uint32_t word)
      : op((word >> 28) & 7),
        comparison((word >> 24) & 15),
        argument(static_cast<int32_t>(word << 8) >> 20),
        compared_with(static_cast<int32_t>(word << 20) >> 20) {
    constexpr uint32_t kArgumentIsShift = 8u << 28;
    if (word & kArgumentIsShift) argument = static_cast<int32_t>(1u << (argument & 31));
  }
  Result<uint32_t> apply(uint32_t old) const {
    auto a = static_cast<uint32_t>(argument);
    switch (op) {
      case 0:
        return a;
      case 1:
        return old + a;
      case 2:
        return old | a;
      case 3:
        return old & ~a;
      case 4:
        return old ^ a;
      default:
        return Errno::ENOSYS;
    }
  }
  Result<bool> test(uint32_t old_word) const {
    auto old = static_cast<int32_t>(old_word);
    switch (comparison) {
      case 0:
        return old == compared_with;
      case 1:
        return old != compared_with;
      case 2:
        return old < compared_with;
      case 3:
        return old <= compared_with;
      case 4:
        return old > compared_with;
      case 5:
        return old >= compared_with;
      default:
        return Errno::ENOSYS;
    }
  }

  uint32_t op, comparison;
  int32_t argument, compared_with;
};

}  // namespace

Result<HeldKey> futex_key(Task& self, UserAddr addr, FutexScope scope) {
  if (addr & 3) return Errno::EINVAL;
  if (!user_range_ok(addr, 4)) return Errno::EFAULT;
  if (scope == FutexScope::kPrivate) return HeldKey{{&self.mm(), addr}, {}};
  // Private memory that is called shared has the key that it has when it is called private.
  Mm::Place place = TRY(self.mm().place_of(addr));
  FutexKey key{place.object, place.offset};
  return HeldKey{key, std::move(place)};
}

void futex_enqueue(FutexWaiter& w) {
  FutexBucket& b = futexes().bucket_of(w.key);
  w.bucket.store(&b, std::memory_order_relaxed);
  MutexLock guard(b.lock);
  if (w.pi)
    for (FutexWaiter& o : b.waiters)
      if (o.pi && o.priority < w.priority) return b.waiters.insert_before(o, w);
  b.waiters.push_back(w);
}

bool futex_leave(FutexWaiter& w) {
  if (w.wake.load(std::memory_order_acquire) == Wake::kDone) return false;
  for (;;) {
    FutexBucket* b = w.bucket.load(std::memory_order_acquire);
    MutexLock guard(b->lock);
    if (w.bucket.load(std::memory_order_relaxed) != b) continue;
    if (!w.linked()) return false;
    List<FutexWaiter>::remove(w);
    return true;
  }
}

void futex_wake_locked(FutexWaiter& w) {
  if (w.linked()) List<FutexWaiter>::remove(w);
  w.wake.store(Wake::kUnderWay, std::memory_order_seq_cst);
  wake(*w.thread);
  w.wake.store(Wake::kDone, std::memory_order_release);
}

Result<void> futex_wait(Task& self, UserAddr addr, FutexScope scope, uint32_t expected, uint32_t bitset,
                        uint64_t deadline_ns) {
  HeldKey held = TRY(futex_key(self, addr, scope));
  FutexWaiter w(self, held.key, bitset);
  futex_enqueue(w);
  auto word = load_user32(addr);
  if (!word.ok() || *word != expected) {
    if (!futex_leave(w)) return {};  // the wake-up that we had must not be lost
    return word.ok() ? Errno::EAGAIN : word.error();
  }
  WaitOutcome out =
      futex_sleep([&] { return w.wake.load(std::memory_order_seq_cst) != Wake::kNo; }, deadline_ns);
  if (!futex_leave(w)) return {};
  return why_not_woken(out);
}

Result<int> futex_wake(Task& self, UserAddr addr, FutexScope scope, int count, uint32_t bitset) {
  HeldKey held = TRY(futex_key(self, addr, scope));
  return wake_key(held.key, count, bitset);
}

Result<int> futex_requeue(Task& self, UserAddr from, UserAddr to, FutexScope scope, int wake, int requeue) {
  HeldKey source = TRY(futex_key(self, from, scope));
  HeldKey target = TRY(futex_key(self, to, scope));
  FutexBucket& a = futexes().bucket_of(source.key);
  FutexBucket& b = futexes().bucket_of(target.key);
  int done = 0;
  TwoBuckets guard(a, b);
  for (FutexWaiter& w : a.waiters) {
    if (w.key != source.key) continue;
    if (w.pi) return Errno::EINVAL;
    if (done < wake) {
      futex_wake_locked(w);
    } else {
      if (done - wake >= requeue) break;
      if (source.key == target.key) {
        done++;
        continue;
      }
      List<FutexWaiter>::remove(w);
      w.key = target.key;
      w.bucket.store(&b, std::memory_order_release);
      b.waiters.push_back(w);
    }
    done++;
  }
  return done;
}

Result<int> futex_wake_op(Task& self, UserAddr first, UserAddr second, FutexScope scope, int wake,
                          int wake_second, uint32_t operation) {
  HeldKey a = TRY(futex_key(self, first, scope));
  HeldKey b = TRY(futex_key(self, second, scope));
  WakeOp op(operation);
  uint32_t old = TRY(load_user32(second));
  for (;;) {
    uint32_t found = TRY(cmpxchg_user32(second, old, TRY(op.apply(old))));
    if (found == old) break;
    old = found;
  }
  bool passes = TRY(op.test(old));
  int woken = TRY(wake_key(a.key, wake, kFutexAnyBit));
  if (passes) woken += TRY(wake_key(b.key, wake_second, kFutexAnyBit));
  return woken;
}

Result<int> futex_wait_any(Task& self, std::span<const FutexWaitItem> items, uint64_t deadline_ns) {
  int count = static_cast<int>(items.size());
  auto* waiters = static_cast<FutexWaiter*>(arena_alloc(items.size() * sizeof(FutexWaiter)));
  Vector<HeldKey> keys;
  int queued = 0;
  Result<void> status = waiters ? keys.reserve(items.size()) : Result<void>(Errno::ENOMEM);
  for (; status.ok() && queued < count; queued++) {
    auto key = futex_key(self, items[queued].addr, items[queued].scope);
    if (!key.ok()) {
      status = key.error();
      break;
    }
    futex_enqueue(*new (waiters + queued) FutexWaiter(self, key->key, kFutexAnyBit));
    status = keys.push_back(key.take());
    auto word = load_user32(items[queued].addr);
    if (status.ok() && !word.ok()) status = word.error();
    if (status.ok() && *word != items[queued].expected) status = Errno::EAGAIN;
  }
  auto any_woken = [&] {
    for (int i = 0; i < queued; i++)
      if (waiters[i].wake.load(std::memory_order_seq_cst) != Wake::kNo) return true;
    return false;
  };
  if (status.ok()) {
    WaitOutcome out = futex_sleep(any_woken, deadline_ns);
    if (out != WaitOutcome::kDone) status = why_not_woken(out);
  }
  int woken = -1;
  for (int i = 0; i < queued; i++)
    if (!futex_leave(waiters[i])) woken = i;
  arena_free(waiters);
  if (woken >= 0) return woken;
  return status.error();
}

void futex_wake_address(Task& self, UserAddr addr, int count) {
  (void)futex_wake(self, addr, FutexScope::kShared, count);
}

}  // namespace lodge
