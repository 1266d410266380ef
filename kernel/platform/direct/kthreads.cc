// The kernel-thread process: what the kernel does on its own behalf. One thread serves the mailbox, one the
// clock. Both sleep on a futex while there is nothing to do: an idle VPS costs nothing.
#include "kernel/base/format.h"
#include "kernel/base/panic.h"
#include "kernel/host/host.h"
#include "kernel/host/host_state.h"
#include "kernel/host/memory.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/platform/console/console_driver.h"
#include "kernel/platform/direct/boot.h"
#include "kernel/platform/direct/spawn.h"
#include "kernel/sched/sched.h"
#include "kernel/task/exit.h"
#include "kernel/task/oom.h"
#include "kernel/task/signal.h"
#include "kernel/task/task_slot.h"
#include "kernel/time/timer.h"

namespace lodge {
namespace {

using namespace mailbox;

void clock_main() {
  request_affinity(current(), ~0);
  std::atomic<uint32_t>& bell = scheduler().tick_bell;
  uint64_t next_tick = host::kNever;
  for (;;) {
    uint32_t seen = bell.load(std::memory_order_seq_cst);
    uint64_t now = host::monotonic_ns();
    if (scheduler().ticking.load(std::memory_order_seq_cst) && next_tick == host::kNever)
      next_tick = now + kTickNs;
    if (now >= next_tick) next_tick = sched_tick(now);
    uint64_t next_timer = kernel_part<TimerQueue>().run_expired();
    (void)host::futex_wait(bell, seen, next_tick < next_timer ? next_tick : next_timer);
  }
}

void ring_clock() {
  std::atomic<uint32_t>& bell = scheduler().tick_bell;
  bell.fetch_add(1, std::memory_order_seq_cst);
  host::futex_wake(bell, 1);
}

// lodge was told to end, so init is to end the VPS in order; what is left after a while, the monitor kills.
// Our own init knows SIGTERM. Of an image's we cannot know: systemd, which to SIGTERM just starts anew, halts
// at SIGRTMIN+3; one that does nothing about SIGTERM leaves its processes to us.
void shut_down() {
  constexpr int kHaltOfSystemd = 37;
  Tasks& all = tasks();
  MutexLock guard(all.lock);
  Process* init = all.init;
  if (!init || init->zombie) return;
  auto listens_to = [&](int signo) {
    MutexLock signals(init->signals_lock);
    return init->handlers->get(signo).handler > 1 || (init->leader && init->leader->blocked.has(signo));
  };
  int signo = the_mailbox().boot.init && listens_to(kHaltOfSystemd) ? kHaltOfSystemd : abi::kSigTerm;
  // A standard signal finds room always, and without SIGRTMIN+3 there is the monitor.
  (void)send_signal_locked(*init, nullptr, kernel_siginfo(signo));
  if (listens_to(signo)) return;
  for (Process* p = all.next_process_locked(init->pid + 1); p; p = all.next_process_locked(p->pid + 1))
    (void)send_signal_locked(*p, nullptr, kernel_siginfo(signo));
}

// What the user of `lodge run` sends it: init passes it on to its command.
void signal_first_process(int signo) {
  if (signo < 1 || signo > abi::kSigMax) return;
  Tasks& all = tasks();
  MutexLock guard(all.lock);
  if (all.init) signal_group_locked(*all.init->group, kernel_siginfo(signo));
}

// The host killed a process of ours. In guest code, its tasks are what that signal would have made of them:
// SIGKILL, or SIGSYS for a 32-bit call, which the wall does not hear (`int $0x80`). Inside the kernel they
// may have held locks, and the VPS cannot go on.
void bury_killed(HostDeath death) {
  for (;;) {
    Task* victim = nullptr;
    {
      MutexLock guard(tasks().lock);
      for (int tid = 1; tid < Tasks::kMaxPid && !victim; tid++) {
        Task* t = tasks().task_locked(tid);
        if (t && host_state().threads[t->slot_id].tgid.load() == death.tgid) victim = t;
      }
    }
    if (!victim) return;
    if (victim->in_kernel) {
      char message[100];
      Formatter out(std::span(message, sizeof message - 1));
      format(out, "the host process of task {} was killed inside the kernel, wait status {:x}", victim->tid,
             death.status);
      message[out.size()] = 0;
      panic(message);
    }
    if (int signo = death.status & 0x7f) {
      MutexLock guard(victim->process().signals_lock);
      if (!victim->process().group_exit) victim->process().exit_status = signo;
      victim->process().group_exit = true;
    }
    exit_on_behalf(*victim);
  }
}

// Some virtual CPUs are other host CPUs now: their threads follow.
void follow_virtual_cpus(uint64_t moved) {
  MutexLock guard(tasks().lock);
  for (int tid = 1; tid < Tasks::kMaxPid; tid++) {
    Task* t = tasks().task_locked(tid);
    VirtualCpu* cpu = t ? t->sched.vcpu.load(std::memory_order_relaxed) : nullptr;
    if (cpu && (moved >> cpu->index & 1)) request_affinity(*t, cpu->index);
  }
}

// A new process takes a fault for each small page of the arena that it touches, one for 2 MiB of a huge page.
// So the arena becomes huge pages as it fills. Where the host will not, there is no harm.
void collapse_arena() {
  while (void* piece = Arena::current().take_filled_piece()) {
    (void)host::collapse_arena_pages(reinterpret_cast<uint64_t>(piece));
    host_state().huge_pieces.fetch_add(1, std::memory_order_relaxed);
  }
}

void mailbox_main() {
  request_affinity(current(), ~0);
  Mailbox& m = the_mailbox();
  bool tty = (m.boot.flags & kBootTty) != 0;
  OomState oom;
  for (;;) {
    uint32_t seen = m.kernel_bell.load(std::memory_order_seq_cst);
    uint32_t events = m.events.exchange(0, std::memory_order_seq_cst);
    collapse_arena();
    if (events == 0) {
      (void)host::futex_wait(m.kernel_bell, seen);
      continue;
    }
    if (events & kEventStdin) {
      if (tty) kernel_part<ConsoleState>().driver.serve();
      kernel_part<ConsoleState>().stream_waiters.wake_all();
    }
    if (events & kEventWinsize) {
      uint32_t size = m.winsize.load();
      kernel_part<ConsoleState>().tty->set_winsize(
          {static_cast<uint16_t>(size), static_cast<uint16_t>(size >> 16), 0, 0});
    }
    if (events & kEventReaped)
      while (auto death = next_killed_process()) bury_killed(*death);
    if (events & kEventMovedCpus) follow_virtual_cpus(m.moved_cpus.exchange(0));
    if (events & kEventMemory) out_of_memory(oom);
    if (events & kEventSignal) signal_first_process(static_cast<int>(m.signal_request.load()));
    if (events & kEventShutdown) shut_down();
  }
}

}  // namespace

void wake_tick_thread() {
  ring_clock();
}
void wake_timer_thread() {
  ring_clock();
}

void look_at_arena() {
  if (Arena::current().filled_pieces() == host_state().huge_pieces.load(std::memory_order_relaxed)) return;
  Mailbox& m = the_mailbox();
  m.kernel_bell.fetch_add(1, std::memory_order_seq_cst);
  host::futex_wake(m.kernel_bell, 1);
}

void kernel_threads_main() {
  if (!spawn_kernel_thread(clock_main).ok()) boot_failed("the host refused the clock thread");
  mailbox_main();
}

}  // namespace lodge
