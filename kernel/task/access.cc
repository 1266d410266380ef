#include "kernel/task/access.h"

namespace lodge {

bool may_access(const Task& self, const Process& target, const Cred& theirs, AccessBy by) {
  const Cred& c = *self.cred_;
  if (&target == self.process_.get() || c.capable(Cap::kSysPtrace)) return true;
  Uid uid = by == AccessBy::kRealIds ? c.uid : c.fsuid;
  Gid gid = by == AccessBy::kRealIds ? c.gid : c.fsgid;
  bool same = uid == theirs.euid && uid == theirs.suid && uid == theirs.uid && gid == theirs.egid &&
              gid == theirs.sgid && gid == theirs.gid;
  return same && target.dumpable;
}

}  // namespace lodge
