#include "kernel/task/oom.h"

#include "kernel/base/format.h"
#include "kernel/base/log.h"
#include "kernel/host/host_state.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/mm/mm.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"

namespace lodge {
namespace {

using namespace mailbox;

constexpr int32_t kNeverKilled = -1000;  // oom_score_adj
// A victim that has not gone by then holds others up no longer.
constexpr uint64_t kPatienceNs = 1'000'000'000;
constexpr uint64_t kStaleNs = 100'000'000;  // how old a sample may be when it comes here

// What the monitor found in the host process that `p` lives in. Its numbers are estimates; no index of its is
// used.
uint64_t pages_of_locked(Process& p) {
  Task* t = p.threads.front();
  if (!t) return 0;
  int32_t tgid = host_state().threads[t->slot_id].tgid.load(std::memory_order_relaxed);
  Mailbox& m = the_mailbox();
  uint32_t n = m.memory_entries.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < n && i < kMemoryEntries; i++)
    if (m.memory[i].tgid == tgid) return m.memory[i].pages;
  return 0;
}

bool is_dying_locked(Process& p) {
  MutexLock guard(p.signals_lock);
  if (p.zombie) return false;
  if (p.group_exit) return true;
  for (Task& t : p.threads)
    if (t.has_pending(kPendingKill)) return true;
  return false;
}

struct Victim {
  Process* process = nullptr;  // under Tasks::lock only
  uint64_t pages = 0;
  int64_t badness = 0;
  int32_t pid = 0, adj = 0;
  char comm[16] = {};
  RefPtr<Mm> mm;
  RefPtr<Cred> cred;
};

// Who has most, each thousandth of oom_score_adj counting as a thousandth of the limit (proc(5)).
void choose_locked(uint64_t limit, Victim& worst) {
  Tasks& all = tasks();
  for (Process* p = all.next_process_locked(1); p; p = all.next_process_locked(p->pid + 1)) {
    if (p == all.init || p->oom_score_adj == kNeverKilled || p->zombie || is_dying_locked(*p)) continue;
    uint64_t pages = pages_of_locked(*p);
    int64_t moved = p->oom_score_adj * static_cast<int64_t>(limit) / 1000;
    int64_t badness = static_cast<int64_t>(pages) + moved;
    if (pages == 0 || (worst.process && badness <= worst.badness)) continue;
    worst.process = p;
    worst.pages = pages;
    worst.badness = badness;
  }
}

void kill_locked(Victim& v) {
  Process& p = *v.process;
  Task& t = p.leader ? *p.leader : *p.threads.front();
  v.pid = p.pid;
  v.adj = p.oom_score_adj;
  __builtin_memcpy(v.comm, t.comm, sizeof v.comm);
  v.mm = t.shared_mm();
  v.cred = t.shared_cred();
  (void)send_signal_locked(p, nullptr, kernel_siginfo(abi::kSigKill));  // SIGKILL always finds room
}

void report(const Victim& v) {
  char line[LogRing::kMaxText];
  Formatter out(line);
  format(out,
         "Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:0kB, shmem-rss:0kB, "
         "UID:{} "
         "pgtables:0kB oom_score_adj:{}",
         v.pid, std::string_view(v.comm), v.mm ? v.mm->counters().total * 4 : 0, v.pages * 4,
         v.cred ? v.cred->uid : 0, v.adj);
  klog(LogLevel::kError, "{}", out.view());
  out.put(the_mailbox().boot.flags & kBootTty ? "\r\n" : "\n");
  tell_user(out.view());
}

bool anybody_dying_locked() {
  Tasks& all = tasks();
  for (Process* p = all.next_process_locked(1); p; p = all.next_process_locked(p->pid + 1))
    if (is_dying_locked(*p)) return true;
  return false;
}

}  // namespace

void out_of_memory(OomState& state) {
  uint64_t limit = kernel_part<MmSystem>().account.limit();
  uint64_t resident = the_mailbox().resident_pages.load(std::memory_order_relaxed);
  uint64_t now = host::monotonic_ns();
  while (resident > limit) {
    Victim v;
    {
      MutexLock guard(tasks().lock);
      if (state.last_kill_ns != now) {
        if (now < state.last_kill_ns + kPatienceNs && anybody_dying_locked())
          state.quiet_until_ns = now + kStaleNs;
        if (now < state.quiet_until_ns) return;
      }
      choose_locked(limit, v);
      if (!v.process) return;  // what is left is the page file, the kernel and the spared
      kill_locked(v);
    }
    state.last_kill_ns = now;
    state.quiet_until_ns = now + kStaleNs;
    report(v);
    resident -= v.pages < resident ? v.pages : resident;
  }
}

}  // namespace lodge
