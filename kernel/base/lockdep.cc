#include "kernel/base/lockdep.h"

#ifdef LODGE_LOCKDEP
  #include "kernel/base/panic.h"
  #include "kernel/host/slot.h"

namespace lodge {
namespace {

// panic() takes one string; this joins a few without needing memory or another lock.
class Message {
 public:
  Message& operator<<(const char* s) {
    while (*s && n_ + 1 < sizeof(text_)) text_[n_++] = *s++;
    text_[n_] = 0;
    return *this;
  }
  const char* text() const { return text_; }

 private:
  char text_[160];
  size_t n_ = 0;
};

}  // namespace

void lockdep_acquire(const void* lock, LockClass cls, LockMode mode) {
  HeldLocks& held = current_slot().held;
  for (int i = 0; i < held.count; i++) {
    auto other = static_cast<LockClass>(held.cls[i]);
    if (held.lock[i] == lock) {
      Message m;
      panic((m << "lockdep: " << lock_class_name(cls) << " lock taken twice").text());
    }
    bool wrong = mode == LockMode::kNormal ? other >= cls : mode == LockMode::kNested && other > cls;
    if (wrong) {
      Message m;
      panic((m << "lockdep: took " << lock_class_name(cls) << " while holding " << lock_class_name(other))
                .text());
    }
  }
  ASSERT(held.count < HeldLocks::kMax);
  held.lock[held.count] = lock;
  held.cls[held.count] = static_cast<uint8_t>(cls);
  held.count++;
}

void lockdep_release(const void* lock) {
  HeldLocks& held = current_slot().held;
  for (int i = held.count - 1; i >= 0; i--) {
    if (held.lock[i] != lock) continue;
    held.count--;
    for (int j = i; j < held.count; j++) {  // locks may be given back in any order
      held.lock[j] = held.lock[j + 1];
      held.cls[j] = held.cls[j + 1];
    }
    return;
  }
  panic("lockdep: a lock that is not held was given back");
}

bool lockdep_is_held(const void* lock) {
  const HeldLocks& held = current_slot().held;
  for (int i = 0; i < held.count; i++)
    if (held.lock[i] == lock) return true;
  return false;
}

void assert_no_locks_held() {
  const HeldLocks& held = current_slot().held;
  if (held.count == 0) return;
  Message m;
  panic((m << "lockdep: waits while holding "
           << lock_class_name(static_cast<LockClass>(held.cls[held.count - 1])))
            .text());
}

}  // namespace lodge
#endif
