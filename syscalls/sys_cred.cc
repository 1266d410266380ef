#include "syscalls/sys_cred.h"

#include <algorithm>

#include "kernel/task/credentials.h"
#include "kernel/task/process.h"

namespace lodge {

using namespace abi;

namespace {

constexpr uint32_t kUnchanged = ~0u;

std::optional<uint32_t> wanted(uint32_t id) {
  return id == kUnchanged ? std::nullopt : std::optional(id);
}
bool is_one_of(uint32_t id, std::initializer_list<uint32_t> ids) {
  return id == kUnchanged || std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Result<SyscallReturn> sys_setuid(Task& task, Uid uid) {
  const Cred& c = task.cred();
  if (uid == kUnchanged) return Errno::EINVAL;
  if (c.capable(Cap::kSetuid))
    TRY(change_uids(task, {uid, uid, uid, {}}));
  else if (uid == c.uid || uid == c.suid)
    TRY(change_uids(task, {{}, uid, {}, {}}));
  else
    return Errno::EPERM;
  return 0;
}

Result<SyscallReturn> sys_setgid(Task& task, Gid gid) {
  const Cred& c = task.cred();
  if (gid == kUnchanged) return Errno::EINVAL;
  if (c.capable(Cap::kSetgid))
    TRY(change_gids(task, {gid, gid, gid, {}}));
  else if (gid == c.gid || gid == c.sgid)
    TRY(change_gids(task, {{}, gid, {}, {}}));
  else
    return Errno::EPERM;
  return 0;
}

Result<SyscallReturn> sys_setreuid(Task& task, Uid real, Uid effective) {
  const Cred& c = task.cred();
  if (!c.capable(Cap::kSetuid) &&
      (!is_one_of(real, {c.uid, c.euid}) || !is_one_of(effective, {c.uid, c.euid, c.suid})))
    return Errno::EPERM;
  UidChange change{wanted(real), wanted(effective), {}, {}};
  // The saved id follows when the real one is set, or the effective one to other than the real one.
  if (real != kUnchanged || (effective != kUnchanged && effective != c.uid))
    change.saved = change.effective.value_or(c.euid);
  TRY(change_uids(task, change));
  return 0;
}

Result<SyscallReturn> sys_setregid(Task& task, Gid real, Gid effective) {
  const Cred& c = task.cred();
  if (!c.capable(Cap::kSetgid) &&
      (!is_one_of(real, {c.gid, c.egid}) || !is_one_of(effective, {c.gid, c.egid, c.sgid})))
    return Errno::EPERM;
  UidChange change{wanted(real), wanted(effective), {}, {}};
  if (real != kUnchanged || (effective != kUnchanged && effective != c.gid))
    change.saved = change.effective.value_or(c.egid);
  TRY(change_gids(task, change));
  return 0;
}

Result<SyscallReturn> sys_setresuid(Task& task, Uid real, Uid effective, Uid saved) {
  const Cred& c = task.cred();
  if (!c.capable(Cap::kSetuid))
    for (Uid id : {real, effective, saved})
      if (!is_one_of(id, {c.uid, c.euid, c.suid})) return Errno::EPERM;
  TRY(change_uids(task, {wanted(real), wanted(effective), wanted(saved), {}}));
  return 0;
}

Result<SyscallReturn> sys_setresgid(Task& task, Gid real, Gid effective, Gid saved) {
  const Cred& c = task.cred();
  if (!c.capable(Cap::kSetgid))
    for (Gid id : {real, effective, saved})
      if (!is_one_of(id, {c.gid, c.egid, c.sgid})) return Errno::EPERM;
  TRY(change_gids(task, {wanted(real), wanted(effective), wanted(saved), {}}));
  return 0;
}

// Both say what was before, and never an error (setfsuid(2)).
Result<SyscallReturn> sys_setfsuid(Task& task, Uid uid) {
  const Cred& c = task.cred();
  Uid before = c.fsuid;
  bool may =
      uid != kUnchanged && (c.capable(Cap::kSetuid) || is_one_of(uid, {c.uid, c.euid, c.suid, c.fsuid}));
  if (may && uid != before) TRY(change_fsuid(task, uid));
  return before;
}

Result<SyscallReturn> sys_setfsgid(Task& task, Gid gid) {
  const Cred& c = task.cred();
  Gid before = c.fsgid;
  bool may =
      gid != kUnchanged && (c.capable(Cap::kSetgid) || is_one_of(gid, {c.gid, c.egid, c.sgid, c.fsgid}));
  if (may && gid != before) TRY(change_gids(task, {{}, {}, {}, gid}));
  return before;
}

Result<SyscallReturn> sys_setgroups(Task& task, int32_t size, GroupsIn list) {
  constexpr int32_t kMaxGroups = 65536;
  if (!task.cred().capable(Cap::kSetgid)) return Errno::EPERM;
  if (size < 0 || size > kMaxGroups) return Errno::EINVAL;
  Vector<Gid> groups;
  TRY(groups.resize(static_cast<size_t>(size)));
  TRY(copy_from_user(groups.data(), list.addr, groups.size() * sizeof(Gid)));
  for (Gid g : groups)
    if (g == kUnchanged) return Errno::EINVAL;
  std::sort(groups.begin(), groups.end());  // as getgroups(2) shows them
  Ref<Cred> now = TRY(task.cred().copy());
  now->groups = std::move(groups);
  task.set_cred(std::move(now));
  return 0;
}

namespace {

// How many CapData go with the version; unknown ones are answered with the one we like best.
Result<int> data_count(const UserInOut<CapHeader>& header, const CapHeader& h) {
  if (h.version == kCapVersion1) return 1;
  if (h.version == kCapVersion2 || h.version == kCapVersion3) return 2;
  TRY(put_user(header.addr, kCapVersion3));
  return Errno::EINVAL;
}

}  // namespace

Result<SyscallReturn> sys_capget(Task& task, UserInOut<CapHeader> header, UserOut<CapData> data) {
  CapHeader h = TRY(header.get());
  auto counted = data_count(header, h);
  if (!counted.ok())
    return data.null() && counted.error() == Errno::EINVAL ? Result<SyscallReturn>(0) : counted.error();
  if (h.pid < 0) return Errno::EINVAL;
  RefPtr<Cred> c = task.shared_cred();
  if (h.pid != 0) {
    MutexLock tree(tasks().lock);
    Task* t = tasks().task_locked(h.pid);
    if (t) c = t->shared_cred();
    if (!t || !c) return Errno::ESRCH;
  }
  if (data.null()) return 0;
  for (int i = 0; i < *counted; i++) {
    auto part = [i](CapSet s) { return static_cast<uint32_t>(s >> (32 * i)); };
    CapData d{part(c->effective), part(c->permitted), part(c->inheritable)};
    TRY(put_user(data.addr + static_cast<uint64_t>(i) * sizeof d, d));
  }
  return 0;
}

Result<SyscallReturn> sys_capset(Task& task, UserInOut<CapHeader> header, UserIn<CapData> data) {
  CapHeader h = TRY(header.get());
  int count = TRY(data_count(header, h));
  if (h.pid != 0 && h.pid != task.tid) return Errno::EPERM;
  CapSets to{};
  for (int i = 0; i < count; i++) {
    CapData d = TRY(data.get(static_cast<size_t>(i)));
    to.effective |= CapSet{d.effective} << (32 * i);
    to.permitted |= CapSet{d.permitted} << (32 * i);
    to.inheritable |= CapSet{d.inheritable} << (32 * i);
  }
  to.effective &= kAllCaps;
  to.permitted &= kAllCaps;
  to.inheritable &= kAllCaps;
  TRY(change_caps(task, to));
  return 0;
}

}  // namespace lodge
