// Process: a thread group. What its threads share beyond memory and files: signal handlers and the group's
// pending signals, parent and children, group and session, limits, exit status.
//
// Lifetime: the tree holds one reference until the process is reaped, each thread one.
// Locks: Tasks::lock (kTaskTree) for threads, parent, children, zombie state, group and session; then
// signals_lock (kSignal) for pending signals, stop state and the threads' blocked masks; SignalHandlers has
// its own (kHandlers); limits_lock (kTask). Two signals_locks are never held at once.
#pragma once
#include "kernel/abi/signal.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/slab.h"
#include "kernel/file/file.h"
#include "kernel/sched/wait.h"
#include "kernel/task/pid.h"
#include "kernel/task/task.h"

namespace lodge {

struct ChildTag;
struct ProcessTimers;
class Tty;  // kernel/tty/tty.h

enum class Limit : uint8_t {
  kCpu,
  kFsize,
  kData,
  kStack,
  kCore,
  kRss,
  kNproc,
  kNofile,
  kMemlock,
  kAs,
  kLocks,
  kSigpending,
  kMsgqueue,
  kNice,
  kRtprio,
  kRttime,
  kCount
};
constexpr int kLimitCount = static_cast<int>(Limit::kCount);
constexpr uint64_t kUnlimited = ~0ull;
struct RlimitPair {
  uint64_t soft = kUnlimited, hard = kUnlimited;
};

// Dispositions. CLONE_SIGHAND shares them also between processes, whose signals_locks differ: hence a lock of
// their own.
class SignalHandlers : public RefCounted<SignalHandlers> {
 public:
  static constexpr SlabId kSlab = SlabId::kSigHand;
  abi::SigAction get(int signo) {
    MutexLock guard(lock_);
    return actions_[signo];
  }
  abi::SigAction exchange(int signo, const abi::SigAction& to) {
    MutexLock guard(lock_);
    return std::exchange(actions_[signo], to);
  }
  // For delivery: as get(), and SA_RESETHAND puts the default back.
  abi::SigAction get_for_delivery(int signo);
  bool is_ignored(int signo);  // SIG_IGN, or a default that does nothing
  void copy_from(SignalHandlers& o);
  // exec, CLONE_CLEAR_SIGHAND: what has a handler gets the default.
  void clear_handlers();

 private:
  Mutex lock_{LockClass::kHandlers};
  abi::SigAction actions_[abi::kSigMax + 1];
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
  static constexpr SlabId kSlab = SlabId::kThreadGroup;
  explicit Process(int32_t id);
  ~Process();

  int32_t pid;  // fixed once it is linked
  List<Task, InProcessTag> threads;
  std::atomic<uint32_t> thread_count{0};  // read without the lock by the threads themselves
  std::atomic<uint32_t> live_threads{0};  // those that have not begun to end
  Task* leader = nullptr;                 // the thread with tid == pid, while it lives

  Process* parent = nullptr;
  std::atomic<int32_t> parent_pid{0};  // getppid(2) reads it without a lock
  int32_t maker_tid = 0;               // the thread that made it, for __WNOTHREAD
  List<Process, ChildTag> children;
  ProcessGroup* group = nullptr;
  RefPtr<Tty> tty;             // controlling terminal
  int32_t old_foreground = 0;  // of a session leader whose terminal has gone: told when it dies
  bool did_exec = false;
  bool subreaper = false;
  bool zombie = false;  // all threads gone, waiting to be reaped
  bool stop_to_report = false, continue_to_report = false;
  int32_t exit_signal = abi::kSigChld;
  int32_t exit_status = 0;  // as wait(2) gives it. Lock: signals_lock
  uint32_t exit_uid = 0;    // real user of the thread that exited last
  char exit_comm[16] = {};  // name of the leader, once it has exited. Lock: Tasks::lock
  WaitQueue child_events;   // wait4 of this process's threads
  WaitQueue end_waiters;    // pidfds: it is a zombie

  Mutex signals_lock{LockClass::kSignal};
  RefPtr<SignalHandlers> handlers;
  SignalQueue shared_signals;
  bool stopped = false;
  int32_t stop_signal = 0;  // that stopped it; negative until all threads stand still
  bool tell_parent_of_continue = false;
  bool unkillable = false;  // an init: signals that it does not handle pass it by (kill(2))
  bool group_exit = false;  // exit_group or a deadly signal: all threads are to go
  Task* execing = nullptr;  // the thread that waits for the others to go
  WaitQueue thread_exits;
  WaitQueue signal_arrivals;  // signalfd, sigtimedwait

  Mutex limits_lock{LockClass::kTask};
  RlimitPair limits[kLimitCount];
  uint64_t limit(Limit l) const { return limits[static_cast<int>(l)].soft; }
  Usage children_usage;     // waited for. Lock: Tasks::lock
  Usage dead_threads;       // of this process. Lock: Tasks::lock
  uint64_t start_time = 0;  // ns since boot
  RefPtr<File> executable;  // /proc/PID/exe. Lock: limits_lock
  int32_t oom_score_adj = 0;
  bool dumpable = true;
  bool thp_disabled = false;                    // PR_SET_THP_DISABLE, for who asks
  std::atomic<ProcessTimers*> timers{nullptr};  // made when first used (process_timer.h)
};

uint64_t cpu_time_ns(const Task& t);  // up to now
Usage usage_of(const Task& t);
// The whole process, exited threads included. Tasks::lock is held.
Usage usage_of_locked(Process& p);

}  // namespace lodge
