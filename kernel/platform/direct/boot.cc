#include "kernel/platform/direct/boot.h"

#include <memory>

#include "kernel/abi/time.h"
#include "kernel/base/arena.h"
#include "kernel/base/kernel.h"
#include "kernel/base/layout.h"
#include "kernel/host/guest_vdso.h"
#include "kernel/host/host_state.h"
#include "kernel/host/memory.h"
#include "kernel/host/process.h"
#include "kernel/host/raw.h"
#include "kernel/host/signals.h"
#include "kernel/host/thread_map.h"
#include "kernel/host/wall/filter_build.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/platform/direct/spawn.h"
#include "kernel/platform/direct/subsystems.h"
#include "kernel/platform/direct/zygote.h"
#include "kernel/sched/sched.h"
#include "kernel/task/clone.h"
#include "kernel/task/task_slot.h"
#include "kernel/time/clock.h"

namespace lodge {

using mailbox::BootInfo;
using mailbox::Mailbox;

namespace {

Mailbox& raw_mailbox() {
  return *reinterpret_cast<Mailbox*>(mailbox::kMailboxAddress);
}

void must(Result<void> r, const char* what) {
  if (!r.ok()) boot_failed(what, errno_name(r.error()));
}

// What the boot loader left below the arena and between our own mappings is not for guests.
void unmap_loader(const BootInfo& boot) {
  struct Range {
    uint64_t begin, end;
  };
  const Range kept[] = {
      {kArenaBase, kArenaBase + boot.arena_size},
      {boot.kernel_begin, std::max(boot.kernel_end, boot.kernel_begin + boot.page_file_huge)},
      {boot.vdso_base, boot.vdso_end},
      {mailbox::kMailboxAddress, mailbox::kMailboxAddress + mailbox::kMailboxSize}};
  constexpr uint64_t kTop = 0x7ffffffff000;
  uint64_t at = kGuestStart;
  for (const Range& r : kept) {
    if (r.begin > at) must(host::unmap(at, r.begin - at), "cannot unmap the boot loader");
    at = (r.end + kPageSize - 1) & ~(kPageSize - 1);
  }
  must(host::unmap(at, kTop - at), "cannot unmap the boot loader");
}

void make_host_state(const BootInfo& boot) {
  auto made = make_raw<HostState>();
  if (!made.ok()) boot_failed("no memory for the host's table");
  HostState& h = **made;
  h.threads = static_cast<HostThread*>(arena_alloc(kMaxSlots * sizeof(HostThread), Heat::kHot));
  if (!h.threads) boot_failed("no memory for the host's threads");
  std::uninitialized_default_construct_n(h.threads, kMaxSlots);
  h.kernel_begin = boot.kernel_begin;
  h.kernel_end = boot.kernel_end;
  h.vdso_base = boot.vdso_base;
  h.vdso_end = boot.vdso_end;
  h.vdso_elf = boot.vdso_elf;
  h.vdso = host::find_vdso_functions(boot.vdso_elf);
  h.xsave_mask = boot.xsave_mask;
  h.xsave_size = boot.xsave_size;
  h.mxcsr_mask = boot.mxcsr_mask;
  h.hwcap = boot.hwcap;
  h.hwcap2 = boot.hwcap2;
  h.fsgsbase = !(boot.flags & mailbox::kBootNoFsgsbase);
  if (!h.vdso.clock_gettime) boot_failed("the host's vDSO has no clock; see `lodge doctor`");
  h.clock_calls = boot.flags & mailbox::kBootClockCalls;
  h.clock_gettime = h.clock_calls ? host::clock_gettime_by_call : h.vdso.clock_gettime;
  Kernel::current().set_part(h);
}

// The guests' clocks start: from now on they see no more of the host's uptime.
void start_clocks(const BootInfo& boot) {
  auto made = make_raw<ClockState>();
  if (!made.ok()) boot_failed("no memory for clocks");
  ClockState& c = **made;
  // The coarse clock lags behind the others, and none may be below 0.
  constexpr uint64_t kSecond = 1'000'000'000;
  uint64_t monotonic = host::clock_ns(abi::kClockMonotonicCoarse) / kSecond;
  uint64_t raw = host::clock_ns(abi::kClockMonotonicRaw) / kSecond;
  c.monotonic_base = monotonic * kSecond;
  c.raw_base = raw * kSecond;
  Kernel::current().set_part(c);

  const host::VdsoFunctions& functions = host_state().vdso;
  host::GuestVdsoData d;
  if (!host_state().clock_calls) {  // else guests ask us
    d.host_clock_gettime = reinterpret_cast<uint64_t>(functions.clock_gettime);
    d.host_gettimeofday = functions.gettimeofday;
    d.host_time = functions.time;
  }
  d.gate = boot.flags & mailbox::kBootTrapOnly ? 0 : host::fast_gate_address();
  d.monotonic_base = monotonic;
  d.raw_base = raw;
  d.reads_gs_base = host_state().fsgsbase;
  must(host::map_guest_vdso(d), "cannot map the vDSO of the guests");
  if (!host_state().fsgsbase) must(host::map_thread_map(), "cannot map the table of threads");
}

void make_kernel_parts(const BootInfo& boot) {
  Kernel* kernel = static_cast<Kernel*>(arena_alloc(sizeof(Kernel), Heat::kHot));
  if (!kernel) boot_failed("no memory for the kernel");
  Arena::current().set_kernel(new (kernel) Kernel());
  make_host_state(boot);
  start_clocks(boot);
  auto mb = make_raw<MailboxState>();
  if (!mb.ok()) boot_failed("no memory");
  (*mb)->box = &raw_mailbox();
  kernel->set_part(**mb);

  auto sched = make_raw<Scheduler>();
  if (!sched.ok()) boot_failed("no memory for the scheduler");
  Scheduler& s = **sched;
  s.cpu_count = static_cast<int>(boot.virtual_cpus);
  for (int i = 0; i < s.cpu_count; i++) {
    s.cpus[i].index = i;
    s.cpus[i].idle_since = host::monotonic_ns();
  }
  Bandwidth::Limit limit;
  limit.quota_ns = limit.period_ns / 100 * boot.cpu_limit_percent;
  s.bandwidth.set(limit, host::monotonic_ns());
  s.load.start(host::monotonic_ns());
  kernel->set_part(s);

  auto tasks = make_raw<Tasks>();
  if (!tasks.ok()) boot_failed("no memory for tasks");
  kernel->set_part(**tasks);
  must(init_task_slots(), "no memory for task slots");
  auto zygote = make_raw<ZygoteState>();
  if (!zygote.ok()) boot_failed("no memory");
  kernel->set_part(**zygote);
}

// The zygote's own context: a slot like any other, without a guest.
[[noreturn]] void go_on_in_slot(void (*f)(void*)) {
  auto slot = alloc_slot();
  if (!slot.ok()) boot_failed("no memory for the zygote");
  Thread* t = new (slot->memory) Thread(slot->id);
  prepare_kernel_thread(*t);
  switch_stack_and_call(reinterpret_cast<uint64_t>(slot->memory) + kSlotKernelStackTop, f, nullptr);
}

Task& make_process(void (*main)(Task&)) {
  auto task = make_boot_task();
  if (!task.ok()) boot_failed("cannot make the first processes", errno_name(task.error()));
  if (auto r = spawn_from_zygote(**task, main); !r.ok())
    boot_failed("the host refused the first processes (check `ulimit -u`)", errno_name(r.error()));
  return **task;
}

// init must have its child when it begins, for without one it would end; it starts that child itself.
void start_first_processes(const BootInfo& boot) {
  Task& init = make_process(init_main);
  if (!boot.init) make_process(command_main);
  sched_start(init, scheduler().cpus[0]);
}

void zygote_main(void*) {
  const BootInfo& boot = raw_mailbox().boot;
  host::install_signal_handlers();
  host::use_alternate_stack();
  raise_outer_wall(boot);
  init_subsystems(boot);
  spawn_kernel_threads();
  start_first_processes(boot);
  zygote_serve();
}

}  // namespace

void boot_failed(const char* what, const char* detail) {
  Mailbox& m = raw_mailbox();
  size_t n = 0;
  for (const char* s : {what, *detail ? ": " : "", detail})
    while (*s && n < sizeof m.message - 1) m.message[n++] = *s++;
  m.message_length.store(static_cast<uint32_t>(n), std::memory_order_release);
  m.finished.store(2, std::memory_order_release);
  m.monitor_bell.fetch_add(1);
  host::futex_wake(m.monitor_bell, 1);
  constexpr int kLodgeFailed = 125;
  host::exit_process(kLodgeFailed);
}

void raise_outer_wall(const BootInfo& boot) {
  WallConfig c;
  c.syscall_ip = reinterpret_cast<uint64_t>(host_syscall_ip);
  c.kernel_begin = boot.kernel_begin;
  c.kernel_end = boot.kernel_end;
  c.guest_begin = kGuestStart;
  c.arena_begin = kArenaBase;
  c.sets_bases = !host_state().fsgsbase;
  c.reads_clocks = host_state().clock_calls;
  c.files[c.file_count++] = {static_cast<int>(host::HostFile::kPages), WallAccess::kReadWrite,
                             boot.page_file_size};
  for (uint32_t i = 0; i < boot.image_count && i < mailbox::kMaxImages - 1; i++)
    c.files[c.file_count++] = {
        static_cast<int>(host::image_file(static_cast<int>(i))),
        boot.flags & mailbox::kBootImageWritable ? WallAccess::kReadWrite : WallAccess::kReadOnly,
        boot.image_size[i]};
  sock_filter program[kWallFilterMax];
  int n = wall_config_valid(c) ? build_wall_filter(c, program) : kWallBadConfig;
  if (n <= 0) boot_failed("cannot build the outer wall");
  if (auto r = host::raise_filter({program, static_cast<size_t>(n)}); !r.ok())
    boot_failed("the host refused the seccomp filter; see `lodge doctor`", errno_name(r.error()));
}

}  // namespace lodge

extern "C" void kernel_main() {
  using namespace lodge;
  BootInfo& boot = raw_mailbox().boot;
  unmap_loader(boot);
  constexpr size_t kBootStack = 64 << 10;
  Arena::format(reinterpret_cast<void*>(kArenaBase), boot.arena_size - kBootStack,
                ArenaIdentity{.build_id = 0, .link_address = kKernelBase});
  make_kernel_parts(boot);
  go_on_in_slot(zygote_main);
}
