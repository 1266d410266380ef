// Process: a thread group. What its threads share beyond memory and files: signal handlers and the group's pending
// signals, parent and children, group and session, limits, exit status.
//
// Lifetime: the tree holds one reference until the process is reaped, each thread one.
// Locks: Tasks::lock (kTaskTree) for threads, parent, children, zombie state, group and session; then signals_lock
// (kSignal) for handlers, pending signals, stop state and the threads' blocked masks; limits_lock (kTask).
#pragma once
#include "kernel/abi/signal.h"
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
constexpr int kLimitCount = static_cast<int>(Limit::kCount);
constexpr uint64_t kUnlimited = ~0ull;
struct RlimitPair {
  uint64_t soft = kUnlimited, hard = kUnlimited;
};

// Handlers, shared by CLONE_SIGHAND. Lock: the signals_lock of the processes that share it is not one lock, so it has
// its own.
struct SignalHandlers : RefCounted<SignalHandlers> {
  abi::SigAction actions[abi::kSigMax + 1];
};

struct Usage {  // getrusage(2); ns and counts
  uint64_t user = 0, system = 0, min_faults = 0, voluntary = 0, involuntary = 0, max_rss_kib = 0;
  void add(const Usage& o) {
    user += o.user, system += o.system, min_faults += o.min_faults, voluntary += o.voluntary;
    involuntary += o.involuntary;
    if (o.max_rss_kib > max_rss_kib) max_rss_kib = o.max_rss_kib;
  }
};

class Process : public RefCounted<Process>, public ListNode<ChildTag>, public ListNode<GroupTag> {
 public:
  explicit Process(int32_t id) : pid(id) {}
  ~Process();

  int32_t pid;  // fixed once it is linked
  List<Task, InProcessTag> threads;
  std::atomic<uint32_t> thread_count{0};  // read without the lock by the threads themselves
  Task* leader = nullptr;                 // the thread with tid == pid, while it lives

  Process* parent = nullptr;
  List<Process, ChildTag> children;
  ProcessGroup* group = nullptr;
  bool did_exec = false;
  bool subreaper = false;
  bool zombie = false;            // all threads gone, waiting to be reaped
  bool stop_to_report = false, continue_to_report = false;
  int32_t exit_signal = abi::kSigChld;
  int32_t exit_status = 0;        // as wait(2) gives it; the stop signal while stopped
  WaitQueue child_events;         // wait4 of this process's threads

  Mutex signals_lock{LockClass::kSignal};
  RefPtr<SignalHandlers> handlers;
  SignalQueue shared_signals;
  bool stopped = false;
  bool group_exit = false;        // exit_group or a deadly signal: all threads are to go
  Task* execing = nullptr;        // the thread that waits for the others to go
  WaitQueue thread_exits;
  WaitQueue signal_arrivals;      // signalfd, sigtimedwait

  Mutex limits_lock{LockClass::kTask};
  RlimitPair limits[kLimitCount];
  uint64_t limit(Limit l) const { return limits[static_cast<int>(l)].soft; }
  Usage children_usage;           // waited for. Lock: Tasks::lock
  Usage dead_threads;             // of this process. Lock: Tasks::lock
  uint64_t start_time = 0;        // ns since boot
  RefPtr<File> executable;        // /proc/PID/exe. Lock: limits_lock
  int32_t oom_score_adj = 0;
  bool dumpable = true;
  void* timers = nullptr;         // POSIX timers and itimers (task/timers.h)
};

Usage usage_of(const Task& t);
// The whole process, exited threads included. Tasks::lock is held.
Usage usage_of_locked(Process& p);

}  // namespace lodge
