// FsContext: root directory, working directory and umask of a task, shared by clone(CLONE_FS).
//
// While one task alone uses it, that task borrows root and cwd without counting them (only it could change
// them). Lock: kFsContext, for the two paths.
#pragma once
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/slab.h"
#include "kernel/file/path.h"

namespace lodge {

class FsContext : public RefCounted<FsContext> {
 public:
  static constexpr SlabId kSlab = SlabId::kFsContext;
  FsContext(Path root, Path cwd, uint32_t umask)
      : umask_(umask), root_(std::move(root)), cwd_(std::move(cwd)) {}

  Result<Ref<FsContext>> copy();

  bool shared() const { return ref_count() != 1; }
  Path root();
  Path cwd();
  // Only if not shared().
  const Path& borrow_root() const { return root_; }
  const Path& borrow_cwd() const { return cwd_; }
  void set_root(Path p);
  void set_cwd(Path p);

  uint32_t umask() const { return umask_.load(std::memory_order_relaxed); }
  uint32_t set_umask(uint32_t mask) { return umask_.exchange(mask & 0777, std::memory_order_relaxed); }

 private:
  Mutex lock_{LockClass::kFsContext};
  std::atomic<uint32_t> umask_;
  Path root_;
  Path cwd_;
};

}  // namespace lodge
