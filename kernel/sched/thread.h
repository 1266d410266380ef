// Thread: what the scheduler knows of a kernel context. It stands at the start of a task slot (host/slot.h),
// so that current() is a mask of the stack pointer. A Task (task/task.h) is a Thread with a guest; the
// kernel-thread process has Threads without one.
#pragma once
#include <atomic>
#include <cstdint>

#include "kernel/base/errno.h"
#include "kernel/base/list.h"
#include "kernel/host/slot.h"
#include "kernel/sched/entity.h"

namespace lodge {

// Reasons to look up from what a thread does. Set by others (and by itself) in Thread::pending; looked at
// before each return to the guest, and by every interruptible wait.
enum Pending : uint32_t {
  kPendingSignal = 1 << 0,     // an unblocked signal is deliverable
  kPendingKill = 1 << 1,       // SIGKILL, exec or exit_group of another thread: killable waits end too
  kPendingResched = 1 << 2,    // give the virtual CPU to somebody else
  kPendingShootdown = 1 << 3,  // the mm has work for its threads (mm/shootdown.h)
  kPendingMigrate = 1 << 4,    // the affinity forbids the virtual CPU that the thread is on
  kPendingRestart = 1 << 5,    // a call was interrupted: decide between EINTR and restart
  kPendingWork = 1 << 6,       // anything rarer: task/work.h
};

// What happens to a system call that a signal interrupted (signal(7), "Interruption of system calls").
enum class Restart : uint8_t {
  kNone,       // EINTR
  kSys,        // restart if the handler has SA_RESTART or none runs, else EINTR
  kNoHandler,  // restart only if no handler runs, else EINTR
  kBlock,      // as kNoHandler, continued by restart_syscall with what the call left in Task::restart_block
  kAlways,     // restart, after the handler if one runs: fork(2) never fails with EINTR
};

enum class RunState : uint32_t {
  kRunning,
  kRunnable,
  kInterruptible,
  kKillable,
  kUninterruptible,
  kStopped,
  kDead
};

struct VirtualCpu;

// Where a thread has lately found data in the host's page cache (host_read.cc).
struct HostReadHints {
  static constexpr uint64_t kChunkShift = 16;
  static constexpr uint8_t kUses = 64;  // reads of a chunk without asking again
  struct Chunk {
    uint64_t key = 0;  // file and chunk
    uint8_t uses_left = 0;
  };
  Chunk chunks[4];
};

class Thread : public SlotHead {
 public:
  explicit Thread(uint32_t slot) : slot_id(slot) {}

  std::atomic<uint32_t> wake_word{0};  // 0: parked; 1: may run. What its host thread waits on.
  std::atomic<RunState> state{RunState::kRunning};
  Restart restart = Restart::kNone;  // set by the call in progress together with EINTR
  bool is_task = false;              // a Task; false for kernel threads
  bool traced = false;               // --strace: its calls, signals and end are printed
  bool no_fault_in = false;  // a copy from or to the guest fails where a page would have to be provided
  const uint32_t slot_id;    // index into HostState::threads
  SchedEntity sched;
  HostReadHints host_reads;
  void (*kernel_main)() = nullptr;  // of a kernel thread

  bool has_pending(uint32_t bits) const { return (pending.load(std::memory_order_acquire) & bits) != 0; }
  // For a call that gives up because of a signal: records how it restarts, and is the error to return.
  Errno interrupted(Restart how) {
    restart = how;
    pending.fetch_or(kPendingRestart, std::memory_order_relaxed);
    return Errno::EINTR;
  }
};

inline Thread& current() {
  return static_cast<Thread&>(current_slot());
}

}  // namespace lodge
