#include "kernel/base/mutex.h"

#include "kernel/base/panic.h"
#include "kernel/host/host.h"

namespace lodge {
namespace {

// A pause is 40 to 140 cycles, so this is a few microseconds: about what one futex sleep and wake-up cost.
constexpr int kSpinRounds = 128;

void sleep_on(const std::atomic<uint32_t>& word, uint32_t seen) {
  // EAGAIN, EINTR and success all mean that the caller looks again; no other error is possible for a mapped
  // word.
  (void)host::futex_wait(word, seen);
}

}  // namespace

void Mutex::lock_slow() {
  for (int i = 0; i < kSpinRounds; i++) {
    uint32_t w = word_.load(std::memory_order_relaxed);
    if (w == kContended) break;  // others sleep already: the holder is not about to leave
    if (w == kFree && word_.compare_exchange_weak(w, kLocked, std::memory_order_acquire)) return;
    host::cpu_relax();
  }
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) sleep_on(word_, kContended);
}

void Mutex::wake() {
  host::futex_wake(word_, 1);
}

void Mutex::assert_held() const {
#ifdef LODGE_LOCKDEP
  ASSERT(lockdep_is_held(this));
#endif
}

void RwMutex::wait(uint32_t seen) {
  if (!(seen & kWaiting) && !word_.compare_exchange_strong(seen, seen | kWaiting, std::memory_order_relaxed))
    return;
  sleep_on(word_, seen | kWaiting);
}

void RwMutex::lock_slow() {
  for (int i = 0;; i++) {
    uint32_t w = word_.load(std::memory_order_relaxed);
    if ((w & ~kWaiting) == 0) {  // kWaiting stays: others may still sleep
      if (word_.compare_exchange_weak(w, w | kWriter, std::memory_order_acquire)) return;
    } else if (i < kSpinRounds) {
      host::cpu_relax();
    } else {
      wait(w);
    }
  }
}

void RwMutex::lock_shared_slow() {
  for (int i = 0;; i++) {
    uint32_t w = word_.load(std::memory_order_relaxed);
    if (!(w & (kWriter | kWaiting))) {
      if (word_.compare_exchange_weak(w, w + 1, std::memory_order_acquire)) return;
    } else if (i < kSpinRounds) {
      host::cpu_relax();
    } else {
      wait(w);
    }
  }
}

void RwMutex::last_reader_left() {
  // A writer may have come in between; then it has kept kWaiting and wakes the others when it leaves.
  uint32_t w = kWaiting;
  if (word_.compare_exchange_strong(w, 0, std::memory_order_relaxed)) wake();
}

void RwMutex::wake() {
  host::futex_wake(word_, INT32_MAX);
}

void RwMutex::assert_held() const {
#ifdef LODGE_LOCKDEP
  ASSERT(lockdep_is_held(this));
#endif
}

}  // namespace lodge
