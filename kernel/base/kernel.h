// Kernel: the root of all state of one VPS, hung off the arena. Each part of the kernel keeps one object of a
// type of its own here: it makes it at boot (or the unit test does), and finds it with kernel_part<T>(). So
// no part sees the types of another, and several kernels live in one process of the tests.
//
// A part's type says `static constexpr KernelPart kPart = KernelPart::kFoo;`. Parts are set before the first
// guest runs, and stay.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"

namespace lodge {

enum class KernelPart : uint8_t {
  kHost,
  kTaskSlots,
  kZygote,
  kSched,
  kTasks,
  kFutexes,
  kUts,
  kMm,
  kMailbox,
  kConsole,
  kLog,
  kClock,
  kTimers,
  kCharDevices,
  kAnonFiles,
  kPipes,
  kEpoll,
  kTtys,
  kVfs,
  kBufferCache,
  kPageFile,
  kRandom,
  kMemDevices,
  kDevtmpfs,
  kSystem,  // host name, counters of missing calls
  kProc,
  kTrace,
  kCount,
};

class Kernel {
 public:
  static Kernel& current() { return *Arena::current().kernel(); }

  template <typename T>
  T& part() const {
    void* p = parts_[index<T>()].load(std::memory_order_relaxed);
    DEBUG_ASSERT(p != nullptr);
    return *static_cast<T*>(p);
  }
  template <typename T>
  bool has_part() const {
    return parts_[index<T>()].load(std::memory_order_relaxed) != nullptr;
  }
  template <typename T>
  void set_part(T& part) {
    parts_[index<T>()].store(&part, std::memory_order_release);
  }

 private:
  template <typename T>
  static constexpr size_t index() {
    return static_cast<size_t>(T::kPart);
  }
  std::atomic<void*> parts_[static_cast<size_t>(KernelPart::kCount)]{};
};

template <typename T>
T& kernel_part() {
  return Kernel::current().part<T>();
}

}  // namespace lodge
