// From the gate into the kernel proper, and the work before the way back.
#include "kernel/base/layout.h"
#include "kernel/base/panic.h"
#include "kernel/host/host_state.h"
#include "kernel/host/raw.h"
#include "kernel/host/signals.h"
#include "kernel/mailbox/kernel_side.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"
#include "kernel/platform/direct/patching.h"
#include "kernel/sched/sched.h"
#include "kernel/task/dispatch.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"

namespace lodge {
namespace {

constexpr uint64_t kPfWrite = 2, kPfInstruction = 16;

FaultAccess access_of(const TrapNote& n) {
  return {.write = (n.error & kPfWrite) != 0,
          .exec = (n.error & kPfInstruction) != 0,
          .host_sigbus = n.signo == abi::kSigBus};
}

// A fault of the guest's own: resolved, or a signal with what Linux would say.
void guest_fault(Task& self, const TrapNote& n) {
  abi::SigInfo info;
  info.signo = n.signo;
  info.code = n.code;
  info.fault.address = n.address;
  bool page_fault = n.trap_number == 14;
  if ((n.signo == abi::kSigSegv || n.signo == abi::kSigBus) && page_fault) {
    switch (self.mm().handle_fault(n.address, access_of(n))) {
      case FaultResult::kRetry:
        self.min_faults++;
        return;
      case FaultResult::kNoMapping:
        info.signo = abi::kSigSegv;
        info.code = abi::kSegvMapErr;
        break;
      case FaultResult::kNoAccess:
        info.signo = abi::kSigSegv;
        info.code = abi::kSegvAccErr;
        break;
      case FaultResult::kBusError:
        info.signo = abi::kSigBus;
        info.code = abi::kBusAdrErr;
        break;
    }
  }
  force_signal(self, info);
}

}  // namespace
}  // namespace lodge

using namespace lodge;

extern "C" void gate_syscall(TrapFrame* frame) {
  Task& self = current_task();
  self.restart = Restart::kNone;
  dispatch_syscall(self, *frame);
}

extern "C" void gate_trap(TrapFrame* frame) {
  Task& self = current_task();
  self.restart = Restart::kNone;
  TrapNote note = self.note;
  // Between a patched site and the gate the guest has no place of its own: it is back at the site. Single
  // steps go on from where they are, or they would never arrive.
  uint64_t origin = note.signo == abi::kSigTrap ? 0 : self.mm().patch_origin(frame->rip);
  if (origin) frame->rip = origin;
  switch (note.signo) {
    case abi::kSigSys:
      // The site may be replaced by a jump, so that it traps no more.
      if (!origin) learn_site(self, note.address, frame->orig_rax);
      dispatch_syscall(self, *frame);
      return;
    case mailbox::kKickSignal:
      return;  // it is `pending` that says what to do
    default:
      guest_fault(self, note);
  }
}

extern "C" void gate_work(TrapFrame*) {
  Task& self = current_task();
  uint32_t work = self.pending.load(std::memory_order_acquire);
  if (work & kSlotPendingBadState) {
    self.pending.fetch_and(~kSlotPendingBadState, std::memory_order_acq_rel);
    force_kill(self, abi::kSigSegv);
  }
  if (work & kPendingShootdown) run_shootdowns(self);
  if (work & kPendingMigrate) sched_migrate();
  if (work & kPendingResched) sched_resched();
  if (work & (kPendingSignal | kPendingKill | kPendingRestart | kSlotPendingBadState)) {
    // What the guest is shown, and a call begun anew, is at the site.
    if (self.mm_)
      if (uint64_t origin = self.mm().patch_origin(self.frame().rip)) self.frame().rip = origin;
    deliver_signals(self);
  }
}

// A fault while the kernel copied from or to the guest: a page to provide, or the copy's fixup.
extern "C" uint64_t resolve_user_fault(uint64_t ip) {
  SlotHead& slot = current_slot();
  uint64_t address = slot.fault_address;
  bool may_fault_in = current().is_task && !current().no_fault_in;
  if (may_fault_in && address >= kGuestStart && address < kGuestEnd && current_task().mm_) {
    FaultAccess access{.write = (slot.fault_error & kPfWrite) != 0, .in_kernel = true};
    if (current_task().mm().handle_fault(address, access) == FaultResult::kRetry) return ip;
  }
  for (const UserFixup* f = user_fixups_begin; f < user_fixups_end; f++)
    if (f->at == ip) return f->go_on;
  panic("a guest access without fixup faulted");
}
