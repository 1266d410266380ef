// Linux: kernel/sys.c, security/commoncap.c.
#include "kernel/task/credentials.h"

#include "kernel/task/process.h"

namespace lodge {

namespace {

// What root may do to files; setfsuid(2) takes it away and gives it back.
constexpr CapSet kFileCaps = cap_bit(Cap::kChown) | cap_bit(Cap::kMknod) | cap_bit(Cap::kDacOverride) |
                             cap_bit(Cap::kDacReadSearch) | cap_bit(Cap::kFowner) | cap_bit(Cap::kFsetid) |
                             cap_bit(Cap::kLinuxImmutable) | cap_bit(Cap::kMacOverride);

bool is_any_root(const Cred& c) {
  return c.uid == 0 || c.euid == 0 || c.suid == 0;
}

// Capabilities follow the user between root and others (capabilities(7), "Effect of user ID changes").
void fix_caps(const Cred& old, Cred& now) {
  if (now.securebits & kSecNoSetuidFixup) return;
  if (is_any_root(old) && !is_any_root(now)) {
    if (!(now.securebits & kSecKeepCaps)) now.permitted = now.effective = 0;
    now.ambient = 0;
  }
  if (old.euid == 0 && now.euid != 0) now.effective = 0;
  if (old.euid != 0 && now.euid == 0) now.effective = now.permitted;
}

// A program that changes who it is may hold what its new self must not show (PR_SET_DUMPABLE in prctl(2)).
void commit(Task& self, Ref<Cred> now) {
  const Cred& old = self.cred();
  if (old.euid != now->euid || old.egid != now->egid || old.fsuid != now->fsuid || old.fsgid != now->fsgid) {
    self.process().dumpable = false;
    self.pdeath_signal = 0;
  }
  self.set_cred(std::move(now));
}

}  // namespace

Result<void> change_uids(Task& self, const UidChange& change) {
  const Cred& old = self.cred();
  Ref<Cred> now = TRY(old.copy());
  now->uid = change.real.value_or(old.uid);
  now->euid = change.effective.value_or(old.euid);
  now->suid = change.saved.value_or(old.suid);
  now->fsuid = change.fs.value_or(now->euid);
  fix_caps(old, *now);
  commit(self, std::move(now));
  return {};
}

Result<void> change_gids(Task& self, const UidChange& change) {
  const Cred& old = self.cred();
  Ref<Cred> now = TRY(old.copy());
  now->gid = change.real.value_or(old.gid);
  now->egid = change.effective.value_or(old.egid);
  now->sgid = change.saved.value_or(old.sgid);
  now->fsgid = change.fs.value_or(now->egid);
  commit(self, std::move(now));
  return {};
}

Result<void> change_fsuid(Task& self, Uid uid) {
  const Cred& old = self.cred();
  Ref<Cred> now = TRY(old.copy());
  now->fsuid = uid;
  if (!(now->securebits & kSecNoSetuidFixup)) {
    if (old.fsuid == 0 && uid != 0) now->effective &= ~kFileCaps;
    if (old.fsuid != 0 && uid == 0) now->effective |= now->permitted & kFileCaps;
  }
  commit(self, std::move(now));
  return {};
}

Result<void> change_caps(Task& self, const CapSets& to) {
  const Cred& old = self.cred();
  if (!old.capable(Cap::kSetpcap) && (to.inheritable & ~(old.inheritable | old.permitted)))
    return Errno::EPERM;
  if (to.inheritable & ~(old.inheritable | old.bounding)) return Errno::EPERM;
  if (to.permitted & ~old.permitted) return Errno::EPERM;
  if (to.effective & ~to.permitted) return Errno::EPERM;
  Ref<Cred> now = TRY(old.copy());
  now->effective = to.effective;
  now->permitted = to.permitted;
  now->inheritable = to.inheritable;
  now->ambient &= to.permitted & to.inheritable;
  self.set_cred(std::move(now));
  return {};
}

}  // namespace lodge
