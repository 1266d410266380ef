// FIFOs: an inode of any file system that names a pipe while it is open, and the open(2) of it (fifo(7)).
#pragma once
#include <cstdint>

#include "kernel/base/kernel.h"
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/ipc/pipe.h"

namespace lodge {

class File;

// What opening a FIFO does (DeviceRegistry::register_fifo). Waits for the other side as open(2) says. A pipe
// that pipe(2) made, opened again through /proc, does not wait.
Result<Ref<File>> open_fifo(Inode& inode, uint64_t rdev, uint32_t flags);
// The last file of a FIFO's pipe is gone: the inode names a new one from now on.
void forget_fifo_pipe(Pipe& pipe);

// The pipes of the FIFOs that are open, by inode. Lock: kFifoTable; nothing else is taken under it.
class FifoTable {
 public:
  Result<Ref<Pipe>> pipe_of(const Inode& inode);
  void remove(Pipe& pipe);

 private:
  static constexpr size_t kBuckets = 64;
  List<Pipe, Pipe>& bucket(const Inode* inode) {
    return buckets_[(reinterpret_cast<uintptr_t>(inode) >> 6) % kBuckets];
  }
  RefPtr<Pipe> find(const Inode& inode) REQUIRES(lock_);

  Mutex lock_{LockClass::kFifoTable};
  List<Pipe, Pipe> buckets_[kBuckets] GUARDED_BY(lock_);
};

}  // namespace lodge
