// Entry of host signals. Everything here runs on the alternate stack, with the interrupted context in `uc`.
//
// From the guest: registers and vector state are copied off the alternate stack (the next signal starts at
// its top again) into the slot, and the task goes on on its kernel stack like after any trap. From the
// kernel: a kick changes nothing but a return in progress, which starts over and looks at `pending` again; a
// fault in a guest copy goes to user_fault_thunk; faults in the gate are the guest's doing; anything else is
// a bug.
#include "kernel/host/signals.h"

#include <asm/unistd.h>

#include "kernel/abi/signal.h"
#include "kernel/base/layout.h"
#include "kernel/base/panic.h"
#include "kernel/host/host_state.h"
#include "kernel/host/parked.h"
#include "kernel/host/raw.h"
#include "kernel/host/slot.h"
#include "kernel/mailbox/mailbox.h"

namespace lodge::host {
namespace {

struct Context {  // struct sigcontext_64 of the host
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
  uint16_t cs, gs, fs, ss;
  uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct KernelUcontext {  // struct ucontext of the host on x86-64, as gate.S knows it
  unsigned long flags;
  void* link;
  abi::SigAltStack stack;
  Context mc;
};
static_assert(offsetof(KernelUcontext, mc) == 40 && offsetof(KernelUcontext, mc.fpstate) == 224 &&
              offsetof(KernelUcontext, mc.ip) == 168 && offsetof(KernelUcontext, mc.sp) == 160);

void copy_bytes(void* dst, const void* src, size_t n) {
  __builtin_memcpy(dst, src, n);
}

void save_registers(TrapFrame& f, const Context& c) {
  f.r15 = c.r15, f.r14 = c.r14, f.r13 = c.r13, f.r12 = c.r12;
  f.rbp = c.bp, f.rbx = c.bx, f.r11 = c.r11, f.r10 = c.r10, f.r9 = c.r9, f.r8 = c.r8;
  f.rax = c.ax, f.rcx = c.cx, f.rdx = c.dx, f.rsi = c.si, f.rdi = c.di;
  f.rip = c.ip, f.cs = kUserCs, f.rflags = c.flags & ~kFlagRf, f.rsp = c.sp, f.ss = kUserSs;
}

// The slot as the gate left the guest's registers: steps back to before the gate, onto the site's own syscall
// instruction, so that the base path takes over.
void undo_gate(Context& c) {
  uint64_t ip = c.ip;
  auto at = [](const void* p) { return reinterpret_cast<uint64_t>(p); };
  if (ip >= at(gate_on_kernel_stack)) {
    auto* frame = reinterpret_cast<TrapFrame*>(c.sp);
    auto* slot = reinterpret_cast<SlotHead*>(c.r11);
    c.ax = frame->rax;
    c.bx = frame->rbx;
    c.sp = slot->user_rsp + 136;
  } else {
    constexpr uint64_t kLeaLength = 5, kPushfLength = 1;  // 48 8d 64 24 80; 9c
    uint64_t by_thread = at(reinterpret_cast<void*>(fast_gate_by_thread));
    uint64_t by_base = at(reinterpret_cast<void*>(fast_gate));
    uint64_t done = ip - (ip >= by_base ? by_base : by_thread);
    c.sp += done >= kLeaLength + kPushfLength ? 136 : done >= kLeaLength ? 128 : 0;
    // Of what is done with rax on the stack only the load through fs can fault, which comes first, and the
    // pop, of a stack that another thread has unmapped: the number is lost then, and the call none.
    if (ip >= at(gate_pushed_rax) && ip < at(gate_popped_rax)) {
      c.sp += 8;
      if (ip > at(gate_pushed_rax)) c.ax = ~uint64_t{0};
    }
  }
  c.ip = c.cx - 2;
  c.flags &= ~kFlagTf;
}

void restart_return(Context& c, SlotHead& slot) {
  c.ip = reinterpret_cast<uint64_t>(gate_exit_begin);
  c.sp = slot.kernel_sp;
  c.flags &= ~(kFlagTf | kFlagDf | kFlagAc | kFlagNt);
}

}  // namespace

void install_signal_handlers() {
  struct {
    void (*handler)();
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  } sa{host_signal_entry, abi::kSaSiginfo | abi::kSaOnstack | abi::kSaNodefer | abi::kSaRestorer,
       host_restorer, 0};
  const int caught[] = {abi::kSigSys, abi::kSigSegv, abi::kSigBus,        abi::kSigFpe,
                        abi::kSigIll, abi::kSigTrap, mailbox::kKickSignal};
  for (int signo : caught)
    if (host_syscall(__NR_rt_sigaction, signo, reinterpret_cast<long>(&sa), 0, 8) != 0)
      panic("the host refused a signal handler");
}

void use_alternate_stack() {
  abi::SigAltStack ss;
  ss.sp = reinterpret_cast<uint64_t>(&current_slot()) + kSlotAltStack;
  ss.flags = 0;
  ss.size = kSlotSize - kSlotAltStack;
  if (host_syscall(__NR_sigaltstack, reinterpret_cast<long>(&ss), 0) != 0)
    panic("the host refused sigaltstack");
}

}  // namespace lodge::host

using namespace lodge;
using namespace lodge::host;

extern "C" TrapFrame* host_signal(int signo, void* info_, void* uc_) {
  auto* info = static_cast<abi::SigInfo*>(info_);
  auto& c = static_cast<KernelUcontext*>(uc_)->mc;
  SlotHead& slot = current_slot();
  HostState& host = host_state();
  uint64_t ip = c.ip;
  // Before the look at `pending` that follows: whoever sets a bit after that look finds that it has to kick
  // anew.
  if (signo == mailbox::kKickSignal) slot.kick_coming.store(false, std::memory_order_seq_cst);
  uint64_t slot_address = reinterpret_cast<uint64_t>(&slot);
  bool on_kernel_stack = c.sp > slot_address && c.sp <= slot_address + kSlotSize;
  bool from_kernel = (ip >= host.kernel_begin && ip < host.kernel_end) ||
                     (ip >= host.vdso_base && ip < host.vdso_end && on_kernel_stack);

  // After a panic everybody stays where he is, for the monitor to see.
  auto& box = *reinterpret_cast<mailbox::Mailbox*>(mailbox::kMailboxAddress);
  if (signo == mailbox::kKickSignal && box.panicked.load(std::memory_order_relaxed)) {
    uint64_t frame[2] = {c.bp, c.ip};
    // Who waits already, or was kicked before, stays as he is.
    if (parked_frame().load(std::memory_order_relaxed) == 0)
      parked_frame().store(from_kernel ? reinterpret_cast<uint64_t>(frame) : kParkedInGuest,
                           std::memory_order_release);
    park_for_good();
  }

  if (!from_kernel) {
    TrapFrame& frame = slot.frame();
    save_registers(frame, c);
    frame.orig_rax = TrapFrame::kNoSyscall;
    if (c.fpstate) {
      copy_bytes(slot.xsave_area(), reinterpret_cast<void*>(c.fpstate), host.xsave_size);
      slot.vector_in_slot = 1;
    }
    slot.full_return = 1;
    slot.in_kernel = 1;
    slot.note.signo = signo;
    slot.note.code = info->code;
    slot.note.error = c.err;
    slot.note.trap_number = c.trapno;
    if (signo == abi::kSigSys) {
      frame.orig_rax = static_cast<uint32_t>(info->sys.number);
      frame.rax = frame.orig_rax;
      slot.note.address = info->sys.call_address;
    } else {
      slot.note.address = info->fault.address;
    }
    return &frame;
  }

  auto in = [ip](const void* begin, const void* end) {
    return ip >= reinterpret_cast<uint64_t>(begin) && ip < reinterpret_cast<uint64_t>(end);
  };
  if (signo == mailbox::kKickSignal) {
    if (in(gate_exit_begin, gate_exit_end)) restart_return(c, slot);
    return nullptr;
  }
  if (signo == abi::kSigSys && !(ip >= host.kernel_begin && ip < host.kernel_end))
    panic("the host's clock source is a new one, which its vDSO cannot read: boot the VPS anew");
  // The kernel asks only for what the wall lets through: such a trap is an attack or a bug.
  if (signo == abi::kSigSys) host_syscall(__NR_exit_group, 128 + abi::kSigSys);
  if (in(reinterpret_cast<void*>(fast_gate_by_thread), gate_saved)) {
    undo_gate(c);
    return nullptr;
  }
  if (signo == abi::kSigTrap) {  // single-stepping by the guest stops at the gate
    c.flags &= ~kFlagTf;
    return nullptr;
  }
  if (in(gate_exit_begin, gate_exit_end)) {
    // Only loading what the guest supplied can fault here: its vector state, or an address that iretq
    // refuses.
    __builtin_memset(slot.xsave_area() + 512, 0, 64);
    slot.note.signo = abi::kSigSegv;
    slot.note.code = abi::kSiKernel;
    slot.note.address = 0;
    slot.pending.fetch_or(kSlotPendingBadState, std::memory_order_relaxed);
    restart_return(c, slot);
    return nullptr;
  }
  if ((signo == abi::kSigSegv || signo == abi::kSigBus) && in(user_access_begin, user_access_end) &&
      on_kernel_stack) {
    slot.fault_address = info->fault.address;
    slot.fault_error = c.err;
    c.sp -= 8;
    *reinterpret_cast<uint64_t*>(c.sp) = ip;
    c.ip = reinterpret_cast<uint64_t>(user_fault_thunk);
    return nullptr;
  }
  panic_fault({c.ip, c.sp, c.bp, info->fault.address, signo});
}
