// What execve(2) makes of credentials: set-user-ID and set-group-ID, file capabilities (capabilities(7),
// "Transformation of capabilities during execve()"). Linux: security/commoncap.c. No locks.
#include <cstring>

#include "kernel/abi/capability.h"
#include "kernel/file/path.h"
#include "kernel/loader/exec.h"
#include "vfs/core/mount.h"

namespace lodge {

namespace {

struct FileCaps {
  CapSet permitted = 0, inheritable = 0;
  bool effective = false, present = false;
};

CapSet join(uint32_t low, uint32_t high) {
  return (static_cast<CapSet>(high) << 32 | low) & kAllCaps;
}

// Revision 3 names the root user of a user namespace: only ours, 0, has a meaning here.
Result<FileCaps> file_caps(Inode& inode) {
  abi::FileCapabilities raw;
  auto size = inode.get_xattr(abi::kFileCapabilitiesName, {reinterpret_cast<char*>(&raw), sizeof raw});
  if (!size.ok()) {
    bool none = size.error() == Errno::ENODATA || size.error() == Errno::EOPNOTSUPP;
    return none ? Result<FileCaps>(FileCaps{}) : size.error() == Errno::ERANGE ? Errno::EINVAL : size.error();
  }
  uint32_t revision = *size >= sizeof raw.magic ? raw.magic & abi::kFileCapRevisionMask : 0;
  bool known = (revision == abi::kFileCapRevision1 && *size == abi::kFileCapSize1) ||
               (revision == abi::kFileCapRevision2 && *size == abi::kFileCapSize2) ||
               (revision == abi::kFileCapRevision3 && *size == sizeof raw);
  if (!known) return Errno::EINVAL;
  if (revision == abi::kFileCapRevision3 && raw.root_uid != 0) return FileCaps{};
  if (revision == abi::kFileCapRevision1) raw.data[1] = {};
  return FileCaps{.permitted = join(raw.data[0].permitted, raw.data[1].permitted),
                  .inheritable = join(raw.data[0].inheritable, raw.data[1].inheritable),
                  .effective = (raw.magic & abi::kFileCapEffective) != 0,
                  .present = true};
}

}  // namespace

Result<void> prepare_credentials(Task& task, ExecRequest& r) {
  constexpr uint32_t kNoroot = 1, kKeepCaps = 1 << 4;
  const Cred& old = task.cred();
  Ref<Cred> c = TRY(old.copy());
  Inode& inode = *r.file->inode();
  uint32_t mode = inode.mode();
  Inode::Owner owner = inode.owner();
  FileCaps file;
  if (!(r.file->path().mount()->flags() & abi::kMsNosuid)) {
    if (!old.no_new_privs && (mode & abi::kSetUid)) c->euid = owner.uid;
    if (!old.no_new_privs && (mode & abi::kSetGid) && (mode & 010)) c->egid = owner.gid;
    file = TRY(file_caps(inode));
  }
  bool id_change = c->euid != old.euid || c->egid != old.egid;
  c->suid = c->fsuid = c->euid;
  c->sgid = c->fsgid = c->egid;

  c->permitted = (file.permitted & c->bounding) | (file.inheritable & c->inheritable);
  if (file.effective && (file.permitted & ~c->permitted)) return Errno::EPERM;
  bool effective = file.effective;
  bool root = !(c->securebits & kNoroot) && (c->euid == 0 || c->uid == 0);
  // A set-user-ID-root program with capabilities has those alone, unless root itself runs it.
  if (root && !(file.present && c->uid != 0)) {
    c->permitted = c->inheritable | c->bounding;
    effective |= c->euid == 0;
  }
  if (old.no_new_privs) c->permitted &= old.permitted;
  if (id_change || file.present) c->ambient = 0;
  c->permitted |= c->ambient;
  c->effective = effective ? c->permitted : c->ambient;
  c->securebits &= ~kKeepCaps;
  r.secure =
      c->uid != c->euid || c->gid != c->egid || (c->uid != 0 && (effective || (c->permitted & ~c->ambient)));
  r.cred = std::move(c);
  return {};
}

}  // namespace lodge
