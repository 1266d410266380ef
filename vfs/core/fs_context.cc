#include "vfs/core/fs_context.h"

#include "kernel/base/arena.h"

namespace lodge {

Result<Ref<FsContext>> FsContext::copy() {
  return make<FsContext>(root(), cwd(), umask());
}

Path FsContext::root() {
  MutexLock lock(lock_);
  return root_;
}

Path FsContext::cwd() {
  MutexLock lock(lock_);
  return cwd_;
}

// The old path is let go after the lock: that may free dentries and inodes.
void FsContext::set_root(Path p) {
  MutexLock lock(lock_);
  std::swap(root_, p);
}

void FsContext::set_cwd(Path p) {
  MutexLock lock(lock_);
  std::swap(cwd_, p);
}

}  // namespace lodge
