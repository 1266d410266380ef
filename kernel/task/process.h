// Process: a thread group. What its threads share beyond memory and files: signal handlers and the group's pending
// signals, parent and children, group and session, limits, itimers, exit status.
//
// Locks: Tasks::lock (kTaskTree) for parent, children, zombie state, group and session; signals_lock (kSignal) for
// handlers, pending signals, stop state and threads' blocked masks. kSignal is taken before kTaskTree's users need it
// never together with it, except in exit (see lock_classes.h: kSignal, then kTaskTree).
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/file/file.h"
#include "kernel/sched/wait.h"
#include "kernel/task/pid.h"
#include "kernel/task/task.h"

namespace lodge {

struct ChildTag;

enum class Limit : uint8_t {
  kCpu, kFsize, kData, kStack, kCore, kRss, kNproc, kNofile, kMemlock, kAs, kLocks, kSigpending, kMsgqueue, kNice,
  kRtprio, kRttime, kCount
};
struct RlimitPair {
  uint64_t soft, hard;
};

// Handlers, shared by CLONE_SIGHAND.
struct SignalHandlers : RefCounted<SignalHandlers> {
  abi::SigAction actions[abi::kSigMax + 1];
};

struct ChildUsage {  // what waited-for children used, ns and counts
  uint64_t user = 0, system = 0, min_faults = 0, voluntary = 0, involuntary = 0, max_rss_kib = 0;
};

class Process : public RefCounted<Process>, public ListNode<ChildTag>, public ListNode<GroupTag> {
 public:
  explicit Process(int32_t pid) : pid(pid) {}
  ~Process();

  const int32_t pid;
  // Threads. Lock: Tasks::lock; count may be read without.
  ListOf<Task, &Task::in_process> threads;
  std::atomic<uint32_t> thread_count{0};
  Task* leader = nullptr;

  // Tree. Lock: Tasks::lock.
  Process* parent = nullptr;
  List<Process, ChildTag> children;
  ProcessGroup* group = nullptr;
  int32_t session = 0;
  class Tty* controlling_tty = nullptr;
  bool did_exec = false;
  bool subreaper = false;
  bool has_subreaper_above = false;
  bool zombie = false;       // all threads gone, waiting to be reaped
  bool reported_stop = false, stop_to_report = false, continue_to_report = false;
  int32_t stop_signal = 0;
  int32_t exit_signal = abi::kSigChld;
  WaitQueue child_events;    // wait4 of this process's threads

  // Signals. Lock: signals_lock.
  Mutex signals_lock{LockClass::kSignal};
  RefPtr<SignalHandlers> handlers;
  SignalQueue shared_signals;
  bool stopped = false;
  bool group_exit = false;
  int32_t exit_status = 0;   // wait status
  WaitQueue signalfd_waiters;
  WaitQueue stop_waiters;

  // Limits and use.
  Mutex limits_lock{LockClass::kTask};
  RlimitPair limits[static_cast<int>(Limit::kCount)];
  uint64_t limit(Limit l) const { return limits[static_cast<int>(l)].soft; }
  ChildUsage children_usage;
  uint64_t dead_threads_runtime = 0, dead_threads_system = 0, dead_threads_faults = 0, dead_voluntary = 0,
           dead_involuntary = 0;
  uint64_t start_time = 0;   // ns since boot
  RefPtr<File> executable;   // /proc/PID/exe
  int32_t oom_score_adj = 0;
  bool dumpable = true;
  struct PosixTimers* timers = nullptr;
};

// The tree of all tasks.
struct Tasks {
  static constexpr KernelPart kPart = KernelPart::kTasks;
  static constexpr int kMaxPid = 32768;
  Mutex lock{LockClass::kTaskTree};
  struct Entry {
    Task* task = nullptr;            // thread with this tid
    ProcessGroup* group = nullptr;   // group with this id
    uint32_t session_members = 0;    // processes in the session with this id
  };
  Entry* table = nullptr;            // by pid
  int32_t next_pid = 1;
  uint32_t count = 0;                // tasks
  Process* init = nullptr;
};
inline Tasks& tasks() { return kernel_part<Tasks>(); }

}  // namespace lodge
