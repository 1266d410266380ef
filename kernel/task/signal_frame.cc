// Layout: Linux's arch/x86 uapi (asm/sigcontext.h, asm/ucontext.h). From high to low on the stack: the xsave
// image, 64-byte aligned, with the software bytes that say how large it is; then the frame; its address is 8
// modulo 16, as a function finds its stack on entry.
#include "kernel/task/signal_frame.h"

#include "kernel/host/host_state.h"
#include "kernel/host/user_copy.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/signal.h"

namespace lodge {

using namespace abi;

namespace {

struct SigContext {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  uint16_t cs, gs, fs, ss;
  uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
static_assert(sizeof(SigContext) == 256);

struct UContext {
  uint64_t flags, link;
  SigAltStack stack;
  SigContext mc;
  SigSet mask;
};
struct Frame {
  uint64_t restorer;
  UContext uc;
  SigInfo info;
};
static_assert(sizeof(Frame) == 440);

constexpr uint64_t kUcFpXstate = 1, kUcSigcontextSs = 2, kUcStrictRestoreSs = 4;
constexpr uint32_t kMagic1 = 0x46505853, kMagic2 = 0x46505845;
constexpr size_t kSwReserved = 464, kXsaveHeader = 512, kMxcsr = 24, kMxcsrMask = 28, kFxsaveSize = 512;

struct SwBytes {
  uint32_t magic1, extended_size;
  uint64_t xfeatures;
  uint32_t xstate_size, pad[7];
};
static_assert(sizeof(SwBytes) == 48);

constexpr uint64_t kFlagsFromUser =
    0x240dd5;  // what sigreturn may set: ID? AC OF DF TF SF ZF AF PF CF NT(0x4000)

}  // namespace

bool on_alt_stack(const Task& t, uint64_t sp) {
  const SigAltStack& s = t.alt_stack;
  return !(s.flags & (kSsDisable | kSsAutodisarm)) && sp - s.sp - 1 < s.size;
}

Result<void> push_signal_frame(Task& self, const SigAction& action, const SigInfo& info, SigSet old_mask) {
  TrapFrame& f = self.frame();
  uint64_t sp = f.rsp - 128;
  bool onstack = on_alt_stack(self, f.rsp);
  bool entering = (action.flags & kSaOnstack) && !onstack && !(self.alt_stack.flags & kSsDisable);
  if (entering) sp = self.alt_stack.sp + self.alt_stack.size;

  vector_state_to_slot(self);
  size_t xsize = host_state().xsave_size;
  uint64_t fp = (sp - xsize - sizeof kMagic2) & ~uint64_t{63};
  uint64_t at = ((fp - sizeof(Frame)) & ~uint64_t{15}) - 8;
  // Running off the end of the alternate stack is an overflow, not an ordinary fault.
  if ((onstack || entering) && !(self.alt_stack.flags & kSsAutodisarm) &&
      (at < self.alt_stack.sp || at >= self.alt_stack.sp + self.alt_stack.size))
    return Errno::EFAULT;

  auto* sw = reinterpret_cast<SwBytes*>(self.xsave_area() + kSwReserved);
  *sw = {kMagic1,
         static_cast<uint32_t>(xsize + sizeof kMagic2),
         self.xsave_mask,
         static_cast<uint32_t>(xsize),
         {}};
  TRY(copy_to_user(fp, self.xsave_area(), xsize));
  TRY(put_user(fp + xsize, kMagic2));

  Frame out{};
  out.restorer = action.restorer;
  out.uc.flags = kUcFpXstate | kUcSigcontextSs | kUcStrictRestoreSs;
  out.uc.stack = self.alt_stack;
  out.uc.stack.flags = self.alt_stack.flags & kSsDisable ? kSsDisable
                       : onstack                         ? kSsOnstack
                                                         : self.alt_stack.flags;
  out.uc.mc = {f.r8,
               f.r9,
               f.r10,
               f.r11,
               f.r12,
               f.r13,
               f.r14,
               f.r15,
               f.rdi,
               f.rsi,
               f.rbp,
               f.rbx,
               f.rdx,
               f.rax,
               f.rcx,
               f.rsp,
               f.rip,
               f.rflags,
               kUserCs,
               0,
               0,
               kUserSs,
               self.note.error,
               self.note.trap_number,
               old_mask.bits,
               self.note.address,
               fp,
               {}};
  out.uc.mask = old_mask;
  out.info = info;
  // Without SA_SIGINFO the handler takes one argument, but the frame is the same.
  TRY(put_user(at, out));

  if (self.alt_stack.flags & kSsAutodisarm) self.alt_stack = SigAltStack();
  f.rdi = static_cast<uint64_t>(info.signo);
  f.rsi = at + offsetof(Frame, info);
  f.rdx = at + offsetof(Frame, uc);
  f.rax = 0;
  f.rsp = at;
  f.rip = action.handler;
  f.rflags &= ~(kFlagDf | kFlagTf | kFlagRf);
  f.orig_rax = TrapFrame::kNoSyscall;
  self.full_return = 1;
  reset_vector_state(self);
  return {};
}

namespace {

Result<void> load_vector_state(Task& self, uint64_t from) {
  size_t xsize = host_state().xsave_size;
  uint8_t* area = self.xsave_area();
  self.vector_in_slot = 1;
  self.full_return = 1;
  if (from == 0) {
    reset_vector_state(self);
    return {};
  }
  SwBytes sw = TRY(get_user<SwBytes>(from + kSwReserved));
  bool extended = sw.magic1 == kMagic1 && sw.xstate_size >= kFxsaveSize + 64 && sw.xstate_size <= xsize;
  if (extended) {
    auto magic2 = get_user<uint32_t>(from + sw.xstate_size);
    extended = magic2.ok() && *magic2 == kMagic2;
  }
  __builtin_memset(area + kXsaveHeader, 0, 64);
  TRY(copy_from_user(area, from, extended ? sw.xstate_size : kFxsaveSize));
  auto* header = reinterpret_cast<uint64_t*>(area + kXsaveHeader);
  if (extended)
    header[0] &= sw.xfeatures & self.xsave_mask;
  else
    header[0] = 3;  // x87 and SSE from the legacy area
  for (int i = 1; i < 8; i++) header[i] = 0;
  // Reserved MXCSR bits would fault when loaded; Linux clears them too.
  auto* mxcsr = reinterpret_cast<uint32_t*>(area + kMxcsr);
  *mxcsr &= host_state().mxcsr_mask;
  return {};
}

}  // namespace

Result<void> pop_signal_frame(Task& self) {
  TrapFrame& f = self.frame();
  uint64_t at = f.rsp - 8;
  UContext uc;
  TRY(copy_from_user(&uc, at + offsetof(Frame, uc), sizeof uc));
  TRY(load_vector_state(self, uc.mc.fpstate));
  const SigContext& c = uc.mc;
  uint64_t flags = (f.rflags & ~kFlagsFromUser) | (c.rflags & kFlagsFromUser) | kFlagIf | 2;
  f = {c.r15, c.r14,   c.r13, c.r12, c.rbp,   c.rbx, c.r11, c.r10,
       c.r9,  c.r8,    c.rax, c.rcx, c.rdx,   c.rsi, c.rdi, TrapFrame::kNoSyscall,
       c.rip, kUserCs, flags, c.rsp, kUserSs, 0};
  set_blocked(self, uc.mask);
  // The alternate stack comes back as it was; what sigaltstack(2) would refuse is left.
  if (!(uc.stack.flags & ~(kSsOnstack | kSsDisable | kSsAutodisarm)) && !on_alt_stack(self, f.rsp)) {
    if (uc.stack.flags & kSsDisable)
      self.alt_stack = SigAltStack();
    else if (uc.stack.size >= kMinSigStackSize)
      self.alt_stack = {uc.stack.sp, uc.stack.flags & kSsAutodisarm, 0, uc.stack.size};
  }
  return {};
}

}  // namespace lodge
