#include "kernel/host/process.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "kernel/abi/signal.h"
#include "kernel/base/panic.h"
#include "kernel/host/host_state.h"
#include "kernel/host/raw.h"
#include "kernel/host/slot.h"
#include "kernel/host/thread_map.h"

namespace lodge::host {
namespace {

constexpr unsigned long kProcessFlags =
    CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | abi::kSigChld;
constexpr unsigned long kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                       CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;

Result<int32_t> tid_of(long r) {
  if (r < 0) return static_cast<Errno>(-r);
  return static_cast<int32_t>(r);
}

void set_base(int which, uint64_t v) {
  if (host_syscall(__NR_arch_prctl, which, static_cast<long>(v)) != 0)
    panic("the host refused a base of fs or gs");
}

}  // namespace

Result<void> raise_filter(std::span<sock_filter> program) {
  sock_fprog prog{static_cast<unsigned short>(program.size()), program.data()};
  if (long r = host_syscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); r != 0)
    return static_cast<Errno>(-r);
  long r = host_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                        reinterpret_cast<long>(&prog));
  if (r != 0) return static_cast<Errno>(-r);
  return {};
}

Result<int32_t> clone_process(uint64_t stack_top, void* tid_word, void (*start)(void*), void* argument) {
  return tid_of(host_syscall_clone(kProcessFlags, stack_top, nullptr, tid_word, start, argument));
}

Result<int32_t> clone_thread(uint64_t stack_top, void* tid_word, void (*start)(void*), void* argument) {
  return tid_of(host_syscall_clone(kThreadFlags, stack_top, tid_word, tid_word, start, argument));
}

void die_with_parent() {
  host_syscall(__NR_prctl, PR_SET_PDEATHSIG, abi::kSigKill, 0, 0, 0);
}

void exit_process(int status) {
  for (;;) host_syscall(__NR_exit_group, status);
}

// Without FSGSBASE the host does it, and keeps over a switch of threads only what it was told by
// arch_prctl(2).
uint64_t read_fs_base() {
  return host_state().fsgsbase ? __builtin_ia32_rdfsbase64() : current_slot().fs_base;
}
void write_fs_base(uint64_t v) {
  if (host_state().fsgsbase) {
    __builtin_ia32_wrfsbase64(v);
  } else {
    set_base(ARCH_SET_FS, v);
    current_slot().fs_base = v;
    note_fs_base(current_slot(), v);
  }
}
void write_gs_base(uint64_t v) {
  if (host_state().fsgsbase)
    __builtin_ia32_wrgsbase64(v);
  else
    set_base(ARCH_SET_GS, v);
}
uint64_t fast_gate_address() {
  return reinterpret_cast<uint64_t>(host_state().fsgsbase ? &fast_gate : &fast_gate_by_thread);
}

}  // namespace lodge::host
