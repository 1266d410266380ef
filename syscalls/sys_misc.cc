#include "syscalls/sys_misc.h"

#include "kernel/abi/clone.h"
#include "kernel/abi/sched.h"
#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/task/access.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty.h"
#include "vfs/core/fs_context.h"

namespace lodge {

using namespace abi;

Result<SyscallReturn> sys_pidfd_open(Task& task, int32_t pid, uint32_t flags) {
  if ((flags & ~kONonblock) || pid <= 0) return Errno::EINVAL;
  RefPtr<Process> p;
  {
    MutexLock tree(tasks().lock);
    p = RefPtr<Process>(tasks().process_locked(pid));
    if (!p) return tasks().task_locked(pid) ? Errno::EINVAL : Errno::ESRCH;  // a thread, but not a leader
  }
  FdReservation fd = TRY(task.fds().reserve(nofile_limit(task), FdCloexec::kYes));
  return fd.install(TRY(make_pidfd(*p, flags)));
}

namespace {

struct Peek {
  RefPtr<FdTable> fds;
  RefPtr<FsContext> fs;
  RefPtr<Mm> mm;
  RefPtr<SignalHandlers> handlers;
};

Result<Peek> peek(Task& self, int32_t pid) {
  MutexLock tree(tasks().lock);
  Task* t = tasks().task_locked(pid);
  if (!t) return Errno::ESRCH;
  RefPtr<Cred> theirs = t->shared_cred();
  if (!theirs) return Errno::ESRCH;
  if (!may_access(self, t->process(), *theirs, AccessBy::kRealIds)) return Errno::EPERM;
  return Peek{t->shared_fds(), t->shared_fs(), t->shared_mm(), t->process().handlers};
}

}  // namespace

Result<SyscallReturn> sys_pidfd_getfd(Task& task, Fd pidfd, Fd fd, uint32_t flags) {
  if (flags != 0) return Errno::EINVAL;
  FileGuard f = TRY(task.fds().get(pidfd.v));
  Process* p = process_of_pidfd(*f);
  if (!p) return Errno::EBADF;
  Peek theirs = TRY(peek(task, p->pid));
  if (!theirs.fds) return Errno::ESRCH;
  Ref<File> file = TRY(theirs.fds->get_counted(fd.v));
  FdReservation own = TRY(task.fds().reserve(nofile_limit(task), FdCloexec::kYes));
  return own.install(std::move(file));
}

Result<SyscallReturn> sys_unshare(Task& task, CloneFlags flags) {
  constexpr uint64_t kNamespaces = kCloneNewns | kCloneNewcgroup | kCloneNewuts | kCloneNewipc |
                                   kCloneNewuser | kCloneNewpid | kCloneNewnet | kCloneNewtime;
  constexpr uint64_t kOfTheGroup = kCloneThread | kCloneSighand | kCloneVm;
  if (flags.bits & ~(kNamespaces | kOfTheGroup | kCloneFs | kCloneFiles | kCloneSysvsem))
    return Errno::EINVAL;
  if (flags.has(kOfTheGroup)) {
    Process& p = task.process();
    bool alone = p.thread_count.load(std::memory_order_acquire) == 1;
    if (!alone || (flags.has(kCloneSighand | kCloneVm) && p.handlers->ref_count() > 1) ||
        (flags.has(kCloneVm) && task.mm().ref_count() > 1))
      return Errno::EINVAL;
  }
  if (flags.has(kNamespaces)) return task.cred().capable(Cap::kSysAdmin) ? Errno::EINVAL : Errno::EPERM;
  RefPtr<FdTable> fds;
  RefPtr<FsContext> fs;
  if (flags.has(kCloneFiles) && task.fds().ref_count() > 1) fds = TRY(task.fds().copy());
  if (flags.has(kCloneFs) && task.fs().shared()) fs = TRY(task.fs().copy());
  // Swapped in under the lock, let go after it.
  MutexLock guard(task.share_lock);
  if (fds) std::swap(task.fds_, fds);
  if (fs) std::swap(task.fs_, fs);
  return 0;
}

Result<SyscallReturn> sys_personality(Task& task, Hex32 personality) {
  constexpr uint32_t kQuery = ~0u;
  uint32_t old = task.personality;
  if (personality != kQuery) task.personality = personality;
  return old;
}

namespace {

constexpr int kIoWhoProcess = 1, kIoWhoGroup = 2, kIoWhoUser = 3;
constexpr int kIoClassNone = 0, kIoClassRealtime = 1, kIoClassBestEffort = 2, kIoClassIdle = 3;
constexpr int kIoClassShift = 13, kIoLevels = 8;

template <typename F>
bool for_each_io_locked(Task& self, int which, int32_t who, F f) {
  bool any = false;
  auto call = [&](Task& t) {
    f(t);
    any = true;
  };
  if (which == kIoWhoProcess) {
    Task* t = who == 0 ? &self : tasks().task_locked(who);
    if (t) call(*t);
  } else {
    ProcessGroup* g = which == kIoWhoGroup && who != 0 ? tasks().group_locked(who) : self.process().group;
    Uid uid = who == 0 ? self.cred().uid : static_cast<Uid>(who);
    for (Process* p = tasks().next_process_locked(1); p; p = tasks().next_process_locked(p->pid + 1))
      for (Task& t : p->threads) {
        RefPtr<Cred> c = t.shared_cred();
        if (which == kIoWhoGroup ? p->group == g : c && c->uid == uid) call(t);
      }
  }
  return any;
}

}  // namespace

// The disk is the host's, so a priority is kept for who asks, and means nothing.
Result<SyscallReturn> sys_ioprio_get(Task& task, int32_t which, int32_t who) {
  if (which < kIoWhoProcess || which > kIoWhoUser) return Errno::EINVAL;
  int best = kIoClassIdle << kIoClassShift;
  MutexLock tree(tasks().lock);
  bool any = for_each_io_locked(task, which, who, [&](Task& t) {
    int p = t.io_priority;
    if (p >> kIoClassShift == kIoClassNone) p = (kIoClassBestEffort << kIoClassShift) | 4;
    if (which == kIoWhoProcess) p = t.io_priority;
    if (p < best || which == kIoWhoProcess) best = p;
  });
  return any ? Result<SyscallReturn>(best) : Errno::ESRCH;
}

Result<SyscallReturn> sys_ioprio_set(Task& task, int32_t which, int32_t who, int32_t priority) {
  int io_class = priority >> kIoClassShift, level = priority & (kIoLevels - 1);
  const Cred& c = task.cred();
  switch (io_class) {
    case kIoClassRealtime:
      if (!c.capable(Cap::kSysAdmin) && !c.capable(Cap::kSysNice)) return Errno::EPERM;
      break;
    case kIoClassNone:
      if (level != 0) return Errno::EINVAL;
      break;
    case kIoClassBestEffort:
    case kIoClassIdle:
      break;
    default:
      return Errno::EINVAL;
  }
  if (which < kIoWhoProcess || which > kIoWhoUser) return Errno::EINVAL;
  bool refused = false;
  MutexLock tree(tasks().lock);
  bool any = for_each_io_locked(task, which, who, [&](Task& t) {
    RefPtr<Cred> theirs = t.shared_cred();
    bool may = c.capable(Cap::kSysNice) || (theirs && (theirs->uid == c.euid || theirs->uid == c.uid));
    if (may)
      t.io_priority = static_cast<uint16_t>(priority);
    else
      refused = true;
  });
  if (!any) return Errno::ESRCH;
  return refused ? Result<SyscallReturn>(Errno::EPERM) : 0;
}

Result<SyscallReturn> sys_kcmp(Task& task, int32_t pid1, int32_t pid2, int32_t what, uint64_t first,
                               uint64_t second) {
  enum { kFile, kVm, kFiles, kFs, kSighand, kIo, kSysvsem };
  Peek a = TRY(peek(task, pid1)), b = TRY(peek(task, pid2));
  auto order = [](const void* x, const void* y) { return x == y ? 0 : x < y ? 1 : 2; };
  switch (what) {
    case kFile: {
      if (!a.fds || !b.fds) return Errno::EBADF;
      Ref<File> f = TRY(a.fds->get_counted(static_cast<int>(first)));
      Ref<File> g = TRY(b.fds->get_counted(static_cast<int>(second)));
      return order(f.get(), g.get());
    }
    case kVm:
      return order(a.mm.get(), b.mm.get());
    case kFiles:
      return order(a.fds.get(), b.fds.get());
    case kFs:
      return order(a.fs.get(), b.fs.get());
    case kSighand:
      return order(a.handlers.get(), b.handlers.get());
    case kIo:
    case kSysvsem:
      return 0;  // nobody has any
    default:
      return Errno::EINVAL;
  }
}

Result<SyscallReturn> sys_acct(Task& task, UserString) {
  return task.cred().capable(Cap::kSysPacct) ? Errno::ENOSYS : Errno::EPERM;  // without BSD accounting
}

Result<SyscallReturn> sys_vhangup(Task& task) {
  if (!task.cred().capable(Cap::kSysTtyConfig)) return Errno::EPERM;
  if (RefPtr<Tty> tty = controlling_tty(task)) tty->hang_up();
  return 0;
}

Result<SyscallReturn> sys_reboot(Task& task, Hex32 magic1, Hex32 magic2, Hex32 command, Address) {
  constexpr uint32_t kMagic1 = 0xfee1dead, kMagic2[] = {672274793, 85072278, 369367448, 537993216};
  constexpr uint32_t kRestart = 0x01234567, kHalt = 0xcdef0123, kPowerOff = 0x4321fedc,
                     kRestart2 = 0xa1b2c3d4, kCadOn = 0x89abcdef, kCadOff = 0;
  if (!task.cred().capable(Cap::kSysBoot)) return Errno::EPERM;
  bool known = false;
  for (uint32_t m : kMagic2) known |= m == magic2;
  if (magic1 != kMagic1 || !known) return Errno::EINVAL;
  switch (command) {
    case kCadOn:
    case kCadOff:
      return 0;
    case kRestart:
    case kRestart2:
    case kHalt:
    case kPowerOff: {
      report_exit(0);
      WaitQueue nobody;
      wait_event(
          nobody, [] { return false; }, WaitMode::kUninterruptible);  // the monitor ends us
      return 0;
    }
    default:
      return Errno::EINVAL;
  }
}

}  // namespace lodge
