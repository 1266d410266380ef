// SeqCount: lets readers see a consistent set of values without a lock. Writers are serialised by a lock of
// their own, and bracket each change with SeqWrite. Readers copy the values between read_begin() and
// read_retry(), and use the copy only if read_retry() says false. What they read must be atomics (relaxed is
// enough), and pointers read before the check must not be followed unless their memory is type-stable
// (slab_types.def).
//
// x86 keeps loads in order among loads and stores in order among stores, which is all that the two sides need
// beyond the compiler's own reordering; hence the signal fences (ThreadSanitizer does not know the other
// kind).
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/host/host.h"

namespace lodge {

class SeqCount {
 public:
  uint32_t read_begin() const {
    for (int i = 0;; i++) {
      uint32_t s = seq_.load(std::memory_order_acquire);
      if (!(s & 1)) [[likely]]
        return s;
      if (i < 128)
        host::cpu_relax();
      else
        host::yield();  // the writer lost its CPU in the middle
    }
  }
  bool read_retry(uint32_t begin) const {
    std::atomic_signal_fence(std::memory_order_acquire);
    return seq_.load(std::memory_order_relaxed) != begin;
  }
  void write_begin() {
    seq_.store(seq_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_release);
  }
  void write_end() { seq_.store(seq_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  std::atomic<uint32_t> seq_{0};
};

class SeqWrite {  // the caller holds the writers' lock
 public:
  explicit SeqWrite(SeqCount& c) : c_(c) { c_.write_begin(); }
  ~SeqWrite() { c_.write_end(); }
  SeqWrite(const SeqWrite&) = delete;
  SeqWrite& operator=(const SeqWrite&) = delete;

 private:
  SeqCount& c_;
};

}  // namespace lodge
