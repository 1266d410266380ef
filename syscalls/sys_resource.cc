#include "syscalls/sys_resource.h"

#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/cpu_time.h"
#include "kernel/task/exec_state.h"
#include "kernel/task/process.h"
#include "kernel/task/process_timer.h"
#include "kernel/time/clock.h"
#include "syscalls/usage.h"

namespace lodge {

using namespace abi;

struct Sysinfo {  // struct sysinfo of sysinfo(2); memory in bytes
  int64_t uptime = 0;
  uint64_t loads[3] = {};
  uint64_t total_ram = 0, free_ram = 0, shared_ram = 0, buffer_ram = 0, total_swap = 0, free_swap = 0;
  uint16_t threads = 0, pad = 0;
  uint64_t total_high = 0, free_high = 0;
  uint32_t unit = 1;
  uint32_t reserved = 0;
};
static_assert(sizeof(Sysinfo) == 112);

namespace {

// The address space looks at its own copy, since it is shared by what may be several processes.
void pass_to_memory(Task& t, Limit which, uint64_t value) {
  RefPtr<Mm> mm = t.shared_mm();
  if (!mm) return;
  switch (which) {
    case Limit::kAs:
      mm->limits.address_space = value;
      break;
    case Limit::kData:
      mm->limits.data = value;
      break;
    case Limit::kStack:
      mm->limits.stack = value;
      break;
    case Limit::kMemlock:
      mm->limits.locked = value;
      break;
    default:
      break;
  }
}

Result<void> check_new_limit(const Cred& caller, Limit which, const RlimitPair& old, const RlimitPair& now) {
  if (now.soft > now.hard) return Errno::EINVAL;
  if (which == Limit::kNofile && now.hard > FdTable::kMaxFds) return Errno::EPERM;
  if (now.hard > old.hard && !caller.capable(Cap::kSysResource)) return Errno::EPERM;
  return {};
}

bool may_prlimit(const Cred& c, const Cred& t) {
  if (c.capable(Cap::kSysResource)) return true;
  return c.uid == t.euid && c.uid == t.suid && c.uid == t.uid && c.gid == t.egid && c.gid == t.sgid &&
         c.gid == t.gid;
}

// A process to look at, with one of its threads that is still there; counted and pinned by nothing:
// Tasks::lock is held.
Task* thread_of_locked(int32_t pid) {
  if (Task* t = tasks().task_locked(pid)) return t;
  Process* p = tasks().process_locked(pid);
  return p ? p->threads.front() : nullptr;
}

Result<RlimitPair> exchange_limit(Task& caller, int32_t pid, int32_t resource, const RlimitPair* now) {
  if (resource < 0 || resource >= kLimitCount) return Errno::EINVAL;
  auto which = static_cast<Limit>(resource);
  MutexLock tree(tasks().lock);
  Task* t = pid == 0 ? &caller : thread_of_locked(pid);
  if (!t) return Errno::ESRCH;
  Process& p = t->process();
  if (&p != &caller.process()) {
    RefPtr<Cred> theirs = t->shared_cred();
    if (!theirs) return Errno::ESRCH;
    if (!may_prlimit(caller.cred(), *theirs)) return Errno::EPERM;
  }
  RlimitPair old;
  {
    MutexLock guard(p.limits_lock);
    old = p.limits[resource];
    if (!now) return old;
    TRY(check_new_limit(caller.cred(), which, old, *now));
    p.limits[resource] = *now;
  }
  pass_to_memory(*t, which, now->soft);
  return old;
}

// The timer of RLIMIT_CPU is set without Tasks::lock.
void watch_if_cpu(Task& caller, int32_t pid, int32_t resource) {
  if (resource != static_cast<int32_t>(Limit::kCpu)) return;
  RefPtr<Process> p = caller.process_;
  if (pid != 0) {
    MutexLock tree(tasks().lock);
    Task* t = thread_of_locked(pid);
    if (!t) return;
    p = t->process_;
  }
  watch_cpu_limit(*p);
}

}  // namespace

Result<SyscallReturn> sys_getrlimit(Task& task, ResourceId resource, UserOut<Rlimit> out) {
  RlimitPair l = TRY(exchange_limit(task, 0, resource, nullptr));
  TRY(out.put({l.soft, l.hard}));
  return 0;
}

Result<SyscallReturn> sys_setrlimit(Task& task, ResourceId resource, UserIn<Rlimit> limit) {
  Rlimit l = TRY(limit.get());
  RlimitPair now{l.soft, l.hard};
  TRY(exchange_limit(task, 0, resource, &now));
  watch_if_cpu(task, 0, resource);
  return 0;
}

Result<SyscallReturn> sys_prlimit64(Task& task, int32_t pid, ResourceId resource, UserIn<Rlimit> limit,
                                    UserOut<Rlimit> out) {
  RlimitPair now;
  if (!limit.null()) {
    Rlimit l = TRY(limit.get());
    now = {l.soft, l.hard};
  }
  RlimitPair old = TRY(exchange_limit(task, pid, resource, limit.null() ? nullptr : &now));
  if (!limit.null()) watch_if_cpu(task, pid, resource);
  if (!out.null()) TRY(out.put({old.soft, old.hard}));
  return 0;
}

Result<SyscallReturn> sys_getrusage(Task& task, UsageOf who, UserOut<Rusage> out) {
  Usage u;
  note_resident(task);
  if (who == kRusageThread) {
    u = usage_of(task);
  } else if (who == kRusageSelf || who == kRusageChildren) {
    MutexLock tree(tasks().lock);
    u = who == kRusageSelf ? usage_of_locked(task.process()) : task.process().children_usage;
  } else {
    return Errno::EINVAL;
  }
  TRY(out.put(rusage_of(u)));
  return 0;
}

Result<SyscallReturn> sys_times(Task& task, UserOut<Tms> out) {
  constexpr uint64_t kNsPerTick = 1'000'000'000 / kClockTicksPerSecond;
  auto ticks = [](uint64_t ns) { return static_cast<int64_t>(ns / kNsPerTick); };
  if (!out.null()) {
    Usage own, children;
    {
      MutexLock tree(tasks().lock);
      own = usage_of_locked(task.process());
      children = task.process().children_usage;
    }
    TRY(out.put({ticks(own.user), ticks(own.system), ticks(children.user), ticks(children.system)}));
  }
  return ticks(uptime_ns());
}

Result<SyscallReturn> sys_sysinfo(Task& task, UserOut<Sysinfo> out) {
  Sysinfo s;
  constexpr uint64_t kSecond = 1'000'000'000;
  s.uptime = static_cast<int64_t>((uptime_ns() + kSecond - 1) / kSecond);
  LoadAverage::Values averages = load_averages();
  constexpr unsigned kSysinfoShift = 16 - LoadAverage::kFraction;  // SI_LOAD_SHIFT
  for (int i = 0; i < 3; i++) s.loads[i] = uint64_t{averages.load[i]} << kSysinfoShift;
  const MemoryAccount& memory = task.mm().system().account;
  uint64_t total = memory.limit(), used = memory.committed();
  s.total_ram = total << kPageShift;
  s.free_ram = (total > used ? total - used : 0) << kPageShift;
  s.shared_ram = memory.page_file() << kPageShift;
  {
    MutexLock tree(tasks().lock);
    s.threads = static_cast<uint16_t>(tasks().thread_count);
  }
  TRY(out.put(s));
  return 0;
}

}  // namespace lodge
