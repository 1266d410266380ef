#include "kernel/file/cred.h"

#include "kernel/base/arena.h"

namespace lodge {

Result<Ref<Cred>> Cred::copy() const {
  Ref<Cred> c = TRY(make<Cred>());
  c->uid = uid, c->euid = euid, c->suid = suid, c->fsuid = fsuid;
  c->gid = gid, c->egid = egid, c->sgid = sgid, c->fsgid = fsgid;
  c->effective = effective, c->permitted = permitted, c->inheritable = inheritable;
  c->bounding = bounding, c->ambient = ambient;
  c->securebits = securebits, c->no_new_privs = no_new_privs;
  for (Gid g : groups) TRY(c->groups.push_back(g));
  return c;
}

}  // namespace lodge
