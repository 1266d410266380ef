// Terminals: sessions, foreground and background (credentials(7), ioctl_tty(2), tcsetpgrp(3)).
#include "kernel/abi/signal.h"
#include "kernel/file/cred.h"
#include "kernel/file/file.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty.h"

namespace lodge {

Result<void> Tty::check_background(int signo) {
  Thread& self = current();
  if (controlling_tty(self).get() != this) return {};
  int32_t group = job_ids(self).group;
  {
    MutexLock guard(lock_);
    if (foreground_ == 0 || foreground_ == group) return {};
  }
  if (ignores_or_blocks(self, signo)) {
    if (signo == abi::kSigTtin) return Errno::EIO;
    return {};
  }
  if (group_is_orphaned(group)) return Errno::EIO;
  signal_group(group, signo);
  return self.interrupted(Restart::kSys);
}

void Tty::acquire_on_open() {
  Thread& self = current();
  JobIds ids = job_ids(self);
  if (!ids.leads_session || controlling_tty(self)) return;
  {
    MutexLock guard(lock_);
    if (session_ != 0) return;
    session_ = ids.session;
    foreground_ = ids.group;
  }
  set_controlling_tty(self, RefPtr<Tty>(this));
}

Result<void> Tty::make_controlling(Force force, const Cred& cred, const File& file) {
  Thread& self = current();
  JobIds ids = job_ids(self);
  bool has_one = static_cast<bool>(controlling_tty(self));
  int32_t robbed = 0;
  {
    MutexLock guard(lock_);
    if (ids.leads_session && session_ == ids.session) return {};
    if (!ids.leads_session || has_one) return Errno::EPERM;
    if (session_ != 0 && (force != Force::kSteal || !cred.capable(Cap::kSysAdmin))) return Errno::EPERM;
    if (!file.readable() && !cred.capable(Cap::kSysAdmin)) return Errno::EPERM;
    robbed = std::exchange(session_, ids.session);
    foreground_ = ids.group;
  }
  if (robbed != 0) clear_controlling_tty(robbed, 0);
  set_controlling_tty(self, RefPtr<Tty>(this));
  return {};
}

Result<void> Tty::set_foreground(int32_t group) {
  Thread& self = current();
  if (auto may = check_background(abi::kSigTtou); !may.ok())
    return may.error() == Errno::EIO ? Errno::ENOTTY : may.error();
  int32_t own = job_ids(self).session;
  if (controlling_tty(self).get() != this || session() != own) return Errno::ENOTTY;
  if (group < 0) return Errno::EINVAL;
  int32_t theirs = session_of_group(group);
  if (theirs == 0) return Errno::ESRCH;
  if (theirs != own) return Errno::EPERM;
  MutexLock guard(lock_);
  foreground_ = group;
  return {};
}

Result<int32_t> Tty::foreground() {
  if (controlling_tty(current()).get() != this) return Errno::ENOTTY;
  return foreground_group();
}

Result<int32_t> Tty::session_id() {
  if (controlling_tty(current()).get() != this) return Errno::ENOTTY;
  int32_t id = session();
  if (id == 0) return Errno::ENOTTY;
  return id;
}

int32_t Tty::foreground_group() {
  MutexLock guard(lock_);
  return foreground_;
}

int32_t Tty::session() {
  MutexLock guard(lock_);
  return session_;
}

void leave_controlling_tty(Thread& self, LeaveReason why) {
  JobIds ids = job_ids(self);
  if (!ids.leads_session) {
    set_controlling_tty(self, nullptr);
    return;
  }
  RefPtr<Tty> tty = controlling_tty(self);
  if (!tty) {
    int32_t old = why == LeaveReason::kExit ? take_old_foreground(self) : 0;
    if (old != 0) {
      signal_group(old, abi::kSigHup);
      signal_group(old, abi::kSigCont);
    }
    return;
  }
  if (why == LeaveReason::kExit && tty->kind() != TtyKind::kPty) {
    tty->hang_up_session(LeaveReason::kExit);
    return;
  }
  int32_t foreground;
  {
    MutexLock guard(tty->lock_);
    tty->session_ = 0;
    foreground = std::exchange(tty->foreground_, 0);
  }
  if (foreground != 0) {
    signal_group(foreground, abi::kSigHup);
    if (why == LeaveReason::kRequest) signal_group(foreground, abi::kSigCont);
  }
  clear_controlling_tty(ids.session, 0);
}

}  // namespace lodge
