#include "kernel/platform/direct/spawn.h"

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "kernel/host/host_state.h"
#include "kernel/host/process.h"
#include "kernel/host/raw.h"
#include "kernel/host/signals.h"
#include "kernel/host/thread_map.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/platform/direct/boot.h"
#include "kernel/sched/sched.h"
#include "kernel/task/clone.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/task_slot.h"

namespace lodge {
namespace {

HostThread& host_thread(const Thread& t) {
  return host_state().threads[t.slot_id];
}

// What every new host thread of a VPS does first.
void settle_in(Thread& self) {
  self.kick_coming.store(false, std::memory_order_seq_cst);  // one to the task's last host thread never comes
  host::use_alternate_stack();
  if (host_state().fsgsbase) host::write_gs_base(reinterpret_cast<uint64_t>(&self));
}

// What the first thread of a new host process does before that. It notes itself who it is, as the host does
// its tid: by the time that its maker gets to it, it may be gone and the slot another's. The monitor may have
// died between the clone and the request to die with it; the host marks the robust word that the monitor's
// main thread holds.
void begin_process(Thread& self) {
  HostThread& h = host_thread(self);
  h.tgid.store(static_cast<int32_t>(h.tid.load(std::memory_order_relaxed)), std::memory_order_release);
  host::die_with_parent();
  constexpr uint32_t kOwnerDied = 0x40000000;
  if (the_mailbox().monitor_alive.load() & kOwnerDied) host::exit_process(1);
}

void enter_guest(Task& self) {
  finish_clone(self);
  self.self = reinterpret_cast<uint64_t>(&self);
  gate_leave(&self.frame());
}

void child_process(void* argument) {
  Task& self = *static_cast<Task*>(argument);
  begin_process(self);
  settle_in(self);
  sched_wait_for_turn(self);
  enter_guest(self);
}

void child_thread(void* argument) {
  Task& self = *static_cast<Task*>(argument);
  settle_in(self);
  sched_wait_for_turn(self);
  enter_guest(self);
}

void child_of_zygote(void* argument) {
  Task& self = *static_cast<Task*>(argument);
  begin_process(self);
  settle_in(self);
  sched_wait_for_turn(self);
  // It runs on whatever host CPU until it is moved.
  request_affinity(self, self.sched.vcpu.load(std::memory_order_relaxed)->index);
  self.self = reinterpret_cast<uint64_t>(&self);
  self.start(self);
  gate_leave(&self.frame());
}

uint64_t stack_top(Thread& t) {
  return reinterpret_cast<uint64_t>(&t.frame()) - 64;
}

Result<void> clone_process(Thread& child, void (*entry)(void*)) {
  TRY(host::clone_process(stack_top(child), &host_thread(child).tid, entry, &child));
  look_at_arena();
  return {};
}

Result<void> clone_thread(Thread& maker, Thread& child, void (*entry)(void*)) {
  HostThread& h = host_thread(child);
  h.tgid.store(host_thread(maker).tgid.load(std::memory_order_relaxed), std::memory_order_relaxed);
  TRY(host::clone_thread(stack_top(child), &h.tid, entry, &child));
  return {};
}

}  // namespace

void prepare_kernel_thread(Thread& t) {
  t.kernel_sp = reinterpret_cast<uint64_t>(&t) + kSlotKernelStackTop - sizeof(TrapFrame);
  t.xsave_mask = host_state().xsave_mask;
  t.in_kernel = 1;
}

Result<void> host_spawn(Task& parent, Task& child, HostSpawn how) {
  if (how == HostSpawn::kThread) return clone_thread(parent, child, child_thread);
  TRY(clone_process(child, child_process));
  return {};
}

Result<void> spawn_from_zygote(Task& task, void (*start)(Task&)) {
  task.start = start;
  TRY(clone_process(task, child_of_zygote));
  return {};
}

namespace {
void kernel_thread_entry(void* argument) {
  Thread& self = *static_cast<Thread*>(argument);
  settle_in(self);
  self.kernel_main();
  panic("a kernel thread ended");
}
void kernel_process_entry(void* argument) {
  begin_process(*static_cast<Thread*>(argument));
  kernel_thread_entry(argument);
}
Result<Thread*> new_kernel_thread(void (*main)()) {
  auto slot = TRY(alloc_slot());
  Thread* t = new (slot.memory) Thread(slot.id);
  prepare_kernel_thread(*t);
  t->kernel_main = main;
  return t;
}
}  // namespace

Result<Thread*> spawn_kernel_thread(void (*main)()) {
  Thread* t = TRY(new_kernel_thread(main));
  TRY(clone_thread(current(), *t, kernel_thread_entry));
  return t;
}

void spawn_kernel_threads() {
  auto t = new_kernel_thread(kernel_threads_main);
  if (!t.ok() || !clone_process(**t, kernel_process_entry).ok())
    boot_failed("the host refused the kernel-thread process");
}

void host_thread_exit(Task& self) {
  sched_exit(self);
  host_exit_thread(nullptr);
}

void request_kick(Thread& t) {
  HostThread& h = host_thread(t);
  uint32_t tid = h.tid.load(std::memory_order_acquire);
  if (tid && !t.kick_coming.exchange(true, std::memory_order_seq_cst))
    send_request(mailbox::Request::kKick, h.tgid.load(std::memory_order_relaxed), static_cast<int32_t>(tid),
                 0);
}

void request_affinity(Thread& t, int virtual_cpu) {
  HostThread& h = host_thread(t);
  uint32_t tid = h.tid.load(std::memory_order_acquire);
  if (tid)
    send_request(mailbox::Request::kAffinity, h.tgid.load(std::memory_order_relaxed),
                 static_cast<int32_t>(tid), static_cast<uint32_t>(virtual_cpu));
}

void report_running(Thread& t, int virtual_cpu) {
  HostThread& h = host_thread(t);
  uint32_t tid = h.tid.load(std::memory_order_acquire);
  if (tid)
    (void)try_send_request(mailbox::Request::kRunning, h.tgid.load(std::memory_order_relaxed),
                           static_cast<int32_t>(tid), static_cast<uint32_t>(virtual_cpu));
}

void report_exit(int32_t wait_status) {
  mailbox::Mailbox& m = the_mailbox();
  m.exit_status.store(static_cast<uint32_t>(wait_status), std::memory_order_relaxed);
  m.finished.store(1, std::memory_order_release);
  send_request(mailbox::Request::kExitNotice, 0, 0, static_cast<uint32_t>(wait_status));
}

uint64_t read_fs_base() {
  return host::read_fs_base();
}
void take_gs_from_guest(Task& self) {
  host::write_gs_base(host_state().fsgsbase ? reinterpret_cast<uint64_t>(&self) : 0);
}
void give_gs_to_guest(uint64_t v) {
  host::write_gs_base(v);
}
void share_fs_base() {
  if (!host_state().fsgsbase) host::note_shared_fs_base();
}
void reclaim_fs_base(Task& self) {
  if (!host_state().fsgsbase) host::note_fs_base(self, self.fs_base);
}
void write_fs_base(uint64_t v) {
  host::write_fs_base(v);
}

void vector_state_to_slot(Task& self) {
  self.full_return = 1;
  if (self.vector_in_slot) return;
  __builtin_memset(self.xsave_area() + 512, 0, 64);
  xsave_to(self.xsave_area(), self.xsave_mask);
  self.vector_in_slot = 1;
}

void reset_vector_state(Task& self) {
  uint8_t* area = self.xsave_area();
  __builtin_memset(area, 0, 512 + 64);
  *reinterpret_cast<uint32_t*>(area + 24) = 0x1f80;  // MXCSR: all exceptions masked
  self.vector_in_slot = 1;
  self.full_return = 1;
}

}  // namespace lodge
