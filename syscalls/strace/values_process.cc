// Structures of signals, processes, scheduling and events, as strace shows them.
#include "syscalls/strace/args.h"

namespace lodge::strace {

void put_value(Formatter& out, const abi::SigSet& s) {
  put_signal_set(out, s.bits);
}

void put_value(Formatter& out, const abi::SigAction& a) {
  out.put("{sa_handler=");
  if (a.handler <= 1)
    out.put(a.handler ? "SIG_IGN" : "SIG_DFL");
  else
    put_address(out, a.handler);
  out.put(", sa_mask=");
  put_signal_set(out, a.mask.bits);
  out.put(", sa_flags=");
  put_named(out, signal_action_flag_names(), a.flags);
  if (a.flags & abi::kSaRestorer) {
    out.put(", sa_restorer=");
    put_address(out, a.restorer);
  }
  out.put('}');
}

void put_value(Formatter& out, const abi::SigAltStack& s) {
  out.put("{ss_sp=");
  put_address(out, s.sp);
  out.put(", ss_flags=");
  put_named(out, signal_stack_flag_names(), static_cast<uint32_t>(s.flags));
  format(out, ", ss_size={}}}", s.size);
}

namespace {

void put_code(Formatter& out, const abi::SigInfo& i) {
  auto code = static_cast<uint64_t>(static_cast<int64_t>(i.code));
  NameTable own = signal_code_names(i.code > 0 && i.code < abi::kSiKernel ? i.signo : 0);
  put_name(out, own.names, code, own.unknown);
}

void put_signal_value(Formatter& out, abi::SigVal v) {
  format(out, "{{sival_int={}, sival_ptr=", v.integer);
  put_address(out, v.pointer);
  out.put('}');
}

void put_details(Formatter& out, const abi::SigInfo& i) {
  if (i.code == abi::kSiTimer) {
    format(out, ", si_timerid={:x}, si_overrun={}, si_value=", i.timer.id, i.timer.overrun);
    put_signal_value(out, i.timer.value);
  } else if (i.code <= 0) {
    format(out, ", si_pid={}, si_uid={}", i.rt.pid, i.rt.uid);
    if (i.code != abi::kSiUser && i.code != abi::kSiTkill) {
      out.put(", si_value=");
      put_signal_value(out, i.rt.value);
    }
  } else if (i.signo == abi::kSigChld) {
    format(out, ", si_pid={}, si_uid={}, si_status=", i.child.pid, i.child.uid);
    if (i.code == abi::kCldExited)
      out.put(i.child.status);
    else
      put_signal(out, i.child.status);
    format(out, ", si_utime={}, si_stime={}", i.child.utime, i.child.stime);
  } else if (i.signo == abi::kSigSegv || i.signo == abi::kSigBus || i.signo == abi::kSigFpe ||
             i.signo == abi::kSigIll || i.signo == abi::kSigTrap) {
    out.put(", si_addr=");
    put_address(out, i.fault.address);
  }
}

}  // namespace

void put_value(Formatter& out, const abi::SigInfo& i) {
  if (i.signo == 0) {
    out.put("{}");
    return;
  }
  out.put("{si_signo=");
  put_signal(out, i.signo);
  out.put(", si_code=");
  put_code(out, i);
  if (i.code != abi::kSiKernel) put_details(out, i);
  out.put('}');
}

void put_value(Formatter& out, const abi::Sigevent& e) {
  static constexpr Name kNotify[] = {{"SIGEV_SIGNAL", abi::kSigevSignal},
                                     {"SIGEV_NONE", abi::kSigevNone},
                                     {"SIGEV_THREAD", abi::kSigevThread},
                                     {"SIGEV_THREAD_ID", abi::kSigevThreadId}};
  out.put("{sigev_value=");
  put_signal_value(out, e.value);
  out.put(", sigev_signo=");
  put_signal(out, e.signo);
  out.put(", sigev_notify=");
  put_name(out, kNotify, static_cast<uint32_t>(e.notify), "SIGEV_???");
  if (e.notify == abi::kSigevThreadId) format(out, ", sigev_notify_thread_id={}", e.tid);
  out.put('}');
}

void put_value(Formatter& out, WaitStatus status) {
  auto s = static_cast<uint32_t>(status.v);
  uint32_t signo = s & 0x7f;
  if (s == 0xffff) {
    out.put("{WIFCONTINUED(s)}");
  } else if ((s & 0xff) == 0x7f) {
    out.put("{WIFSTOPPED(s) && WSTOPSIG(s) == ");
    put_signal(out, static_cast<int>(s >> 8 & 0xff));
    out.put('}');
  } else if (signo) {
    out.put("{WIFSIGNALED(s) && WTERMSIG(s) == ");
    put_signal(out, static_cast<int>(signo));
    out.put(s & 0x80 ? " && WCOREDUMP(s)}" : "}");
  } else {
    format(out, "{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}", s >> 8 & 0xff);
  }
}

void put_value(Formatter& out, const abi::CloneArgs& a) {
  out.put("{flags=");
  put_named(out, names_of(static_cast<CloneFlagsTag*>(nullptr)), a.flags);
  auto address = [&](const char* name, uint64_t value, bool shown) {
    if (!shown) return;
    out.put(", ").put(name).put('=');
    put_address(out, value);
  };
  address("pidfd", a.pidfd, a.flags & abi::kClonePidfd);
  address("child_tid", a.child_tid, a.flags & (abi::kCloneChildSettid | abi::kCloneChildCleartid));
  address("parent_tid", a.parent_tid, a.flags & abi::kCloneParentSettid);
  out.put(", exit_signal=");
  put_signal(out, static_cast<int>(a.exit_signal));
  address("stack", a.stack, true);
  out.put(", stack_size=");
  put_hex(out, a.stack_size);
  address("tls", a.tls, a.flags & abi::kCloneSettls);
  out.put('}');
}

void put_value(Formatter& out, const abi::CapHeader& h) {
  static constexpr Name kVersions[] = {{"_LINUX_CAPABILITY_VERSION_1", abi::kCapVersion1},
                                       {"_LINUX_CAPABILITY_VERSION_2", abi::kCapVersion2},
                                       {"_LINUX_CAPABILITY_VERSION_3", abi::kCapVersion3}};
  out.put("{version=");
  put_name(out, kVersions, h.version, "_LINUX_CAPABILITY_VERSION_???");
  format(out, ", pid={}}}", h.pid);
}
void put_value(Formatter& out, const abi::CapData& d) {
  format(out, "{{effective=0x{:x}, permitted=0x{:x}, inheritable=0x{:x}}}", d.effective, d.permitted,
         d.inheritable);
}
void put_value(Formatter& out, const abi::SchedParam& p) {
  format(out, "[{}]", p.priority);
}
void put_value(Formatter& out, const abi::SchedAttr& a) {
  NameTable policies = names_of(static_cast<SchedulerPolicyTag*>(nullptr));
  format(out, "{{size={}, sched_policy=", a.size);
  put_name(out, policies.names, a.policy, policies.unknown);
  out.put(", sched_flags=");
  put_hex(out, a.flags);
  format(out, ", sched_nice={}, sched_priority={}, sched_runtime={}, sched_deadline={}, sched_period={}}}",
         a.nice, a.priority, a.runtime, a.deadline, a.period);
}

void put_value(Formatter& out, const abi::PollFd& p) {
  format(out, "{{fd={}", p.fd);
  if (p.fd >= 0) {
    out.put(", events=");
    put_named(out, poll_event_names(), p.events);
  }
  out.put('}');
}
void put_value(Formatter& out, const abi::EpollEvent& e) {
  out.put("{events=");
  put_named(out, epoll_event_names(), e.events);
  uint64_t data = e.data;
  format(out, ", data={{u32={}, u64={}}}}}", static_cast<uint32_t>(data), data);
}

}  // namespace lodge::strace
