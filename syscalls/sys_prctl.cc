// prctl(2): one call for many small attributes of a task.
#include "syscalls/sys_prctl.h"

#include <string_view>

#include "kernel/abi/signal.h"
#include "kernel/task/credentials.h"
#include "kernel/task/process.h"

namespace lodge {

namespace {

enum : int32_t {
  kSetPdeathsig = 1,
  kGetPdeathsig = 2,
  kGetDumpable = 3,
  kSetDumpable = 4,
  kGetKeepcaps = 7,
  kSetKeepcaps = 8,
  kGetTiming = 13,
  kSetTiming = 14,
  kSetName = 15,
  kGetName = 16,
  kGetSeccomp = 21,
  kCapbsetRead = 23,
  kCapbsetDrop = 24,
  kGetTsc = 25,
  kSetTsc = 26,
  kGetSecurebits = 27,
  kSetSecurebits = 28,
  kSetTimerslack = 29,
  kGetTimerslack = 30,
  kSetChildSubreaper = 36,
  kGetChildSubreaper = 37,
  kSetNoNewPrivs = 38,
  kGetNoNewPrivs = 39,
  kGetTidAddress = 40,
  kSetThpDisable = 41,
  kGetThpDisable = 42,
  kCapAmbient = 47,
};
enum : uint64_t { kAmbientIsSet = 1, kAmbientRaise = 2, kAmbientLower = 3, kAmbientClearAll = 4 };

constexpr uint64_t kDefaultTimerSlack = 50'000;

Result<SyscallReturn> set_name(Task& task, UserAddr from) {
  char name[sizeof task.comm] = {};
  for (size_t i = 0; i + 1 < sizeof name; i++) {
    name[i] = TRY(get_user<char>(from + i));
    if (name[i] == 0) break;
  }
  MutexLock guard(task.share_lock);
  __builtin_memcpy(task.comm, name, sizeof name);
  return 0;
}

// Changes one thing in a copy of the credentials.
template <typename F>
Result<SyscallReturn> change_cred(Task& task, F change) {
  Ref<Cred> now = TRY(task.cred().copy());
  change(*now);
  task.set_cred(std::move(now));
  return 0;
}

Result<SyscallReturn> set_keepcaps(Task& task, uint64_t on) {
  if (on > 1) return Errno::EINVAL;
  if (task.cred().securebits & kSecKeepCapsLocked) return Errno::EPERM;
  return change_cred(task, [on](Cred& c) {
    c.securebits = on ? c.securebits | kSecKeepCaps : c.securebits & ~kSecKeepCaps;
  });
}

Result<SyscallReturn> set_securebits(Task& task, uint64_t bits) {
  const Cred& c = task.cred();
  uint32_t locks = c.securebits & 0xaa, locked = locks >> 1;
  bool touches_locked = ((c.securebits ^ bits) & locked) || (locks & ~bits);
  if (touches_locked || (bits & ~uint64_t{kSecAll}) || !c.capable(Cap::kSetpcap)) return Errno::EPERM;
  return change_cred(task, [bits](Cred& n) { n.securebits = static_cast<uint32_t>(bits); });
}

bool is_cap(uint64_t n) {
  return n < static_cast<uint64_t>(Cap::kCount);
}

Result<SyscallReturn> drop_bounding(Task& task, uint64_t cap) {
  if (!task.cred().capable(Cap::kSetpcap)) return Errno::EPERM;
  if (!is_cap(cap)) return Errno::EINVAL;
  return change_cred(task, [cap](Cred& c) { c.bounding &= ~(CapSet{1} << cap); });
}

Result<SyscallReturn> change_ambient(Task& task, uint64_t how, uint64_t cap, uint64_t c, uint64_t d) {
  if (c || d) return Errno::EINVAL;
  if (how == kAmbientClearAll) {
    if (cap) return Errno::EINVAL;
    return change_cred(task, [](Cred& n) { n.ambient = 0; });
  }
  if (!is_cap(cap)) return Errno::EINVAL;
  CapSet bit = CapSet{1} << cap;
  const Cred& now = task.cred();
  switch (how) {
    case kAmbientIsSet:
      return (now.ambient & bit) != 0;
    case kAmbientLower:
      return change_cred(task, [bit](Cred& n) { n.ambient &= ~bit; });
    case kAmbientRaise:
      if (!(now.permitted & now.inheritable & bit) || (now.securebits & kSecNoAmbientRaise))
        return Errno::EPERM;
      return change_cred(task, [bit](Cred& n) { n.ambient |= bit; });
    default:
      return Errno::EINVAL;
  }
}

}  // namespace

Result<SyscallReturn> sys_prctl(Task& task, PrctlOption option, PrctlArgument a, PrctlArgument b,
                                PrctlArgument c, PrctlArgument d) {
  Process& p = task.process();
  switch (option) {
    case kSetPdeathsig:
      if (a > static_cast<uint64_t>(abi::kSigMax)) return Errno::EINVAL;
      task.pdeath_signal = static_cast<int32_t>(a);
      return 0;
    case kGetPdeathsig:
      TRY(put_user(a, task.pdeath_signal));
      return 0;
    case kGetDumpable:
      return p.dumpable ? 1 : 0;
    case kSetDumpable:
      if (a > 1) return Errno::EINVAL;
      p.dumpable = a == 1;
      return 0;
    case kGetKeepcaps:
      return (task.cred().securebits & kSecKeepCaps) != 0;
    case kSetKeepcaps:
      return set_keepcaps(task, a);
    case kGetTiming:
      return 0;
    case kSetTiming:
      return a == 0 ? Result<SyscallReturn>(0) : Errno::EINVAL;
    case kSetName:
      return set_name(task, a);
    case kGetName:
      TRY(copy_to_user(a, task.comm, sizeof task.comm));
      return 0;
    case kCapbsetRead:
      if (!is_cap(a)) return Errno::EINVAL;
      return static_cast<int>((task.cred().bounding >> a) & 1);
    case kCapbsetDrop:
      return drop_bounding(task, a);
    case kGetSeccomp:
      return 0;  // no mode
    case kGetTsc:
      TRY(put_user<int32_t>(a, 1));
      return 0;
    case kSetTsc:  // only what it is: the host would have to trap rdtsc
      return a == 1 ? Result<SyscallReturn>(0) : Errno::EINVAL;
    case kGetSecurebits:
      return task.cred().securebits;
    case kSetSecurebits:
      return set_securebits(task, a);
    case kSetTimerslack:
      task.timer_slack = static_cast<int64_t>(a) > 0 ? a : kDefaultTimerSlack;
      return 0;
    case kGetTimerslack:
      return task.timer_slack;
    case kSetChildSubreaper: {
      MutexLock tree(tasks().lock);
      p.subreaper = a != 0;
      return 0;
    }
    case kGetChildSubreaper:
      TRY(put_user<int32_t>(a, p.subreaper));
      return 0;
    case kSetNoNewPrivs:
      if (a != 1 || b || c || d) return Errno::EINVAL;
      return change_cred(task, [](Cred& n) { n.no_new_privs = true; });
    case kGetNoNewPrivs:
      if (a || b || c || d) return Errno::EINVAL;
      return task.cred().no_new_privs;
    case kGetTidAddress:
      TRY(put_user(a, task.clear_child_tid));
      return 0;
    case kSetThpDisable:
      if (b || c || d) return Errno::EINVAL;
      p.thp_disabled = a != 0;
      return 0;
    case kGetThpDisable:
      if (a || b || c || d) return Errno::EINVAL;
      return p.thp_disabled;
    case kCapAmbient:
      return change_ambient(task, a, b, c, d);
    default:  // seccomp, PR_SET_VMA and others that Linux answers like this where they are not configured
      return Errno::EINVAL;
  }
}

}  // namespace lodge
