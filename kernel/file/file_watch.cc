#include "kernel/file/file_watch.h"

#include "kernel/base/arena.h"
#include "kernel/file/epoll.h"

namespace lodge {

Result<Ref<FileWatch>> FileWatch::of(File& file) {
  FileWatch* watch = file.watch.load(std::memory_order_acquire);
  if (!watch) {
    Ref<FileWatch> fresh = TRY(make<FileWatch>());
    // The file keeps the reference if it is the first; another thread may have been quicker.
    if (file.watch.compare_exchange_strong(watch, fresh.get(), std::memory_order_acq_rel))
      watch = fresh.leak();
  }
  return Ref<FileWatch>(*watch);
}

void leave_epoll_sets(FileRefs& file) {
  Ref<FileWatch> watch(AdoptRef(), file.watch.exchange(nullptr, std::memory_order_acq_rel));
  for (;;) {
    EpollItem* item;
    RefPtr<File> set;
    {
      MutexLock guard(watch->lock);
      item = watch->items.front();
      if (!item) return;
      Epoll::detach_locked(*item);
      // A set that is at its end frees the item itself.
      if (item->set.try_ref()) set = RefPtr<File>(AdoptRef(), &item->set);
    }
    if (set) static_cast<Epoll&>(*set).forget(*item);
  }
}

}  // namespace lodge
