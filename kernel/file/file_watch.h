// FileWatch: the epoll items that watch one file, so that they go when the file goes. Made with the first
// item, kept by the file and by each of its items.
//
// An item is detached from its file under `lock`: its waiters leave the file's queues, and it leaves `items`.
// Both the file's end and the set's end may want to do that; whoever comes first does it, and the set frees
// the item. Lock: kFileWatch.
#pragma once
#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/file/file.h"

namespace lodge {

struct EpollItem;
struct WatchTag;

class FileWatch : public RefCounted<FileWatch> {
 public:
  // The file's, made if need be.
  static Result<Ref<FileWatch>> of(File& file);

  Mutex lock{LockClass::kFileWatch};
  List<EpollItem, WatchTag> items GUARDED_BY(lock);
};

}  // namespace lodge
