// The lock checker. Built with LODGE_LOCKDEP, every context keeps a stack of the locks it holds (in its task
// slot), and taking one out of the order of lock_classes.h, taking one twice, giving back one that is not
// held, or waiting with any held is a panic that names both. Without LODGE_LOCKDEP all of this compiles to
// nothing.
#pragma once
#include "kernel/base/lock_classes.h"

namespace lodge {

// How a lock is being taken. kTry never waits, so it cannot deadlock and its rank is not checked; kNested
// allows a second lock of the class that is held already.
enum class LockMode : uint8_t { kNormal, kNested, kTry };

#ifdef LODGE_LOCKDEP
void lockdep_acquire(const void* lock, LockClass cls, LockMode mode);
void lockdep_release(const void* lock);
bool lockdep_is_held(const void* lock);
// Every place that waits, copies from or to a guest, or makes a slow host call says so with this.
void assert_no_locks_held();
#else
inline void lockdep_acquire(const void*, LockClass, LockMode) {}
inline void lockdep_release(const void*) {}
inline void assert_no_locks_held() {}
#endif

}  // namespace lodge
