#include "syscalls/sys_identity.h"

#include "kernel/base/layout.h"
#include "kernel/base/uts.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/task.h"

namespace lodge {

Result<SyscallReturn> sys_getuid(Task& task) {
  return task.cred().uid;
}
Result<SyscallReturn> sys_geteuid(Task& task) {
  return task.cred().euid;
}
Result<SyscallReturn> sys_getgid(Task& task) {
  return task.cred().gid;
}
Result<SyscallReturn> sys_getegid(Task& task) {
  return task.cred().egid;
}

Result<SyscallReturn> sys_getresuid(Task& task, UserOut<Uid> real, UserOut<Uid> effective,
                                    UserOut<Uid> saved) {
  const Cred& c = task.cred();
  TRY(real.put(c.uid));
  TRY(effective.put(c.euid));
  TRY(saved.put(c.suid));
  return 0;
}

Result<SyscallReturn> sys_getresgid(Task& task, UserOut<Gid> real, UserOut<Gid> effective,
                                    UserOut<Gid> saved) {
  const Cred& c = task.cred();
  TRY(real.put(c.gid));
  TRY(effective.put(c.egid));
  TRY(saved.put(c.sgid));
  return 0;
}

Result<SyscallReturn> sys_getgroups(Task& task, int32_t size, GroupsOut list) {
  const auto& groups = task.cred().groups;
  auto count = static_cast<int32_t>(groups.size());
  if (size < 0) return Errno::EINVAL;
  if (size == 0) return count;
  if (size < count) return Errno::EINVAL;
  TRY(copy_to_user(list.addr, groups.data(), groups.size() * sizeof(Gid)));
  return count;
}

Result<SyscallReturn> sys_uname(Task&, UserOut<Utsname> out) {
  Utsname u;
  auto put = [](char* to, const char* from, size_t n) { __builtin_memcpy(to, from, n); };
  put(u.system, kUtsSystem, sizeof kUtsSystem);
  put(u.release, kUtsRelease, sizeof kUtsRelease);
  put(u.version, kUtsVersion, sizeof kUtsVersion);
  put(u.machine, kUtsMachine, sizeof kUtsMachine);
  auto& names = kernel_part<UtsNames>();
  {
    MutexLock guard(names.lock);
    put(u.node, names.node, sizeof u.node);
    put(u.domain, names.domain, sizeof u.domain);
  }
  TRY(out.put(u));
  return 0;
}

namespace {

Result<SyscallReturn> set_name(Task& task, char (&to)[kUtsLength + 1], UserBuffer name, uint64_t length) {
  if (!task.cred().capable(Cap::kSysAdmin)) return Errno::EPERM;
  if (length > kUtsLength) return Errno::EINVAL;
  char fresh[kUtsLength + 1] = {};
  TRY(copy_from_user(fresh, name.addr, length));
  MutexLock guard(kernel_part<UtsNames>().lock);
  __builtin_memcpy(to, fresh, sizeof fresh);
  return 0;
}

}  // namespace

Result<SyscallReturn> sys_sethostname(Task& task, UserBuffer name, uint64_t length) {
  return set_name(task, kernel_part<UtsNames>().node, name, length);
}
Result<SyscallReturn> sys_setdomainname(Task& task, UserBuffer name, uint64_t length) {
  return set_name(task, kernel_part<UtsNames>().domain, name, length);
}

Result<SyscallReturn> sys_arch_prctl(Task& task, ArchPrctlCode code, ArchPrctlArgument argument) {
  constexpr int kSetGs = 0x1001, kSetFs = 0x1002, kGetFs = 0x1003, kGetGs = 0x1004;
  switch (code) {
    case kSetFs:
      if (argument >= kGuestEnd) return Errno::EPERM;
      write_fs_base(argument);
      return 0;
    case kGetFs:
      TRY(put_user(argument, read_fs_base()));
      return 0;
    case kSetGs:
      if (argument >= kGuestEnd) return Errno::EPERM;
      task.owns_gs = true;
      task.gs_base = argument;
      give_gs_to_guest(argument);
      return 0;
    case kGetGs:
      TRY(put_user(argument, task.owns_gs ? task.gs_base : 0));
      return 0;
    default:
      return Errno::EINVAL;
  }
}

}  // namespace lodge
