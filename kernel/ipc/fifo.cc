#include "kernel/ipc/fifo.h"

#include "kernel/ipc/pipe_file.h"

namespace lodge {

RefPtr<Pipe> FifoTable::find(const Inode& inode) {
  for (Pipe& p : bucket(&inode))
    if (p.fifo() == &inode && p.try_ref()) return RefPtr<Pipe>(AdoptRef(), &p);
  return nullptr;
}

Result<Ref<Pipe>> FifoTable::pipe_of(const Inode& inode) {
  {
    MutexLock guard(lock_);
    if (RefPtr<Pipe> p = find(inode)) return Ref<Pipe>(AdoptRef(), p.leak());
  }
  Ref<Pipe> fresh = TRY(make<Pipe>(&inode));
  RefPtr<Pipe> other;
  {
    MutexLock guard(lock_);
    other = find(inode);
    if (!other) bucket(&inode).push_back(*fresh);
  }
  if (other) return Ref<Pipe>(AdoptRef(), other.leak());
  return fresh;
}

void FifoTable::remove(Pipe& pipe) {
  MutexLock guard(lock_);
  if (pipe.linked()) pipe.unlink();
}

void forget_fifo_pipe(Pipe& pipe) {
  kernel_part<PipeState>().fifos.remove(pipe);
}

Result<Ref<File>> open_fifo(Inode& inode, uint64_t, uint32_t flags) {
  if (&inode.sb() == &kernel_part<PipeState>().pipefs) return inode.open(flags);
  unsigned ends = 0;
  switch (flags & abi::kOAccMode) {
    case abi::kORdonly:
      ends = kPipeReadEnd;
      break;
    case abi::kOWronly:
      ends = kPipeWriteEnd;
      break;
    case abi::kORdwr:
      ends = kPipeReadEnd | kPipeWriteEnd;
      break;
    default:
      return Errno::EINVAL;
  }
  Ref<Pipe> pipe = TRY(kernel_part<PipeState>().fifos.pipe_of(inode));
  bool nonblocking = (flags & abi::kONonblock) != 0;
  // A reader that did not wait for a writer is not told of a hang-up before one came.
  uint32_t writers_seen = ends == kPipeReadEnd && nonblocking ? pipe->idle_write_opens() : 0;
  TRY(pipe->open_fifo(ends, {.nonblocking = nonblocking}));
  auto file = make<PipeFile>(Ref<Inode>(inode), pipe, flags, writers_seen);
  if (!file.ok()) {
    pipe->drop_ends(ends);
    return file.error();
  }
  return Ref<File>(file.take());
}

}  // namespace lodge
