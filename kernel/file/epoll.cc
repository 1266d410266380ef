#include "kernel/file/epoll.h"

#include "kernel/base/format.h"
#include "kernel/file/anon_inode.h"

namespace lodge {
namespace {

constexpr uint32_t kFlags = abi::kEpollEt | abi::kEpollOneshot | abi::kEpollWakeup | abi::kEpollExclusive;
constexpr uint32_t kAlways = kPollErr | kPollHup;
constexpr PollEvents kReadable = kPollIn | kPollRdNorm;
// All that may be asked for together with EPOLLEXCLUSIVE.
constexpr uint32_t kExclusiveAllowed =
    kPollIn | kPollOut | kAlways | abi::kEpollWakeup | abi::kEpollEt | abi::kEpollExclusive;

// Hangs an item's hooks into the queues that its file names.
class HookTable final : public PollTable {
 public:
  explicit HookTable(EpollItem& item) : item_(item) {}
  void add(WaitQueue& queue) override {
    EpollHook* hook = &item_.first_hook;
    if (item_.first_hook_used) {
      auto more = make_raw<EpollHook>();
      if (!more.ok()) {
        out_of_memory_ = true;
        return;
      }
      hook = *more;
      hook->next = item_.first_hook.next;
      item_.first_hook.next = hook;
    }
    item_.first_hook_used = true;
    hook->item = &item_;
    hook->exclusive = (item_.events.load(std::memory_order_relaxed) & abi::kEpollExclusive) != 0;
    queue.add(*hook);
  }
  bool out_of_memory() const { return out_of_memory_; }

 private:
  EpollItem& item_;
  bool out_of_memory_ = false;
};

}  // namespace

EpollHook::EpollHook() : Waiter(&Epoll::on_event) {}

EpollItem::~EpollItem() {
  while (EpollHook* h = first_hook.next) {
    first_hook.next = h->next;
    destroy(h);
  }
}

Result<Ref<File>> Epoll::create() {
  return Ref<File>(TRY(make<Epoll>(anon_inode())));
}

Epoll::~Epoll() {
  while (EpollItem* item = items_.first()) erase(*item);
}

void Epoll::describe(Formatter& out) const {
  out.put("anon_inode:[eventpoll]");
}

void Epoll::show_info(Formatter& out) {
  SleepGuard guard(mutex_);
  for (EpollItem* i = items_.first(); i; i = items_.next(*i)) {
    const Inode* inode = i->file.inode();
    format(out, "tfd: {:8} events: {:8x} data: {:16x}  pos:{} ino:{:x} sdev:{:x}\n", i->fd, i->events.load(),
           i->data, i->file.position, inode ? inode->ino() : 0, inode ? inode->sb().dev : 0);
  }
}

// Runs with the lock of a file's wait queue held.
bool Epoll::on_event(Waiter& waiter, PollEvents events) {
  EpollItem& item = *static_cast<EpollHook&>(waiter).item;
  uint32_t wanted = item.events.load(std::memory_order_relaxed);
  if (!(events & wanted & ~kFlags)) return false;
  item.set.make_ready(item, LockMode::kNested);
  return true;
}

void Epoll::make_ready(EpollItem& item, LockMode mode) {
  {
    MutexLock guard(ready_lock_);
    if (!static_cast<ListNode<ReadyTag>&>(item).linked()) ready_.push_back(item);
  }
  waiters_.wake(kReadable, 1, mode);
  poll_waiters_.wake(kReadable, 1, mode);
}

bool Epoll::has_ready() {
  MutexLock guard(ready_lock_);
  return !ready_.empty();
}

EpollItem* Epoll::find(File& file, int fd) {
  EpollItem* item =
      items_.lower_bound([&](const EpollItem& i) { return &i.file != &file ? &i.file < &file : i.fd < fd; });
  return item && &item->file == &file && item->fd == fd ? item : nullptr;
}

void Epoll::detach_locked(EpollItem& item) {
  if (item.first_hook_used)
    for (EpollHook* h = &item.first_hook; h; h = h->next) h->queue->remove(*h);
  static_cast<ListNode<WatchTag>&>(item).unlink();
  item.detached = true;
}

// Frees the item; mutex_ is held, or the set is at its end.
void Epoll::erase(EpollItem& item) {
  {
    MutexLock guard(item.watch->lock);
    if (!item.detached) detach_locked(item);
  }
  items_.erase(item);
  {
    MutexLock guard(ready_lock_);
    auto& ready = static_cast<ListNode<ReadyTag>&>(item);
    if (ready.linked()) ready.unlink();
  }
  destroy(&item);
}

void Epoll::forget(EpollItem& item) {
  SleepGuard guard(mutex_);
  erase(item);
}

// The longest chain of sets that watch this one, as far as it matters. Under EpollState::nesting, so that
// nobody else holds two of these locks.
int Epoll::height_above(int limit) {
  FileWatch* w = watch.load(std::memory_order_acquire);
  if (!w || limit == 0) return 0;
  int height = 0;
  MutexLock guard(w->lock, LockMode::kNested);
  for (EpollItem& item : w->items) height = std::max(height, 1 + item.set.height_above(limit - 1));
  return height;
}

// No set may come to watch itself, and chains of sets are bounded: wake-ups and polls go along them.
Result<void> Epoll::check_nesting(Epoll& goal, int depth) {
  if (this == &goal || depth > kMaxNesting) return Errno::ELOOP;
  SleepGuard guard(mutex_);
  for (EpollItem* i = items_.first(); i; i = items_.next(*i))
    if (Epoll* below = file_cast<Epoll>(i->file)) TRY(below->check_nesting(goal, depth + 1));
  return {};
}

Result<void> Epoll::add(File& file, int fd, const abi::EpollEvent& event) {
  Epoll* set = file_cast<Epoll>(file);
  if (event.events & abi::kEpollExclusive)
    if (set || (event.events & ~kExclusiveAllowed)) return Errno::EINVAL;
  if (!set) return insert(file, fd, event);
  SleepGuard guard(kernel_part<EpollState>().nesting);
  TRY(set->check_nesting(*this, 1 + height_above(kMaxNesting)));
  return insert(file, fd, event);
}

Result<void> Epoll::insert(File& file, int fd, const abi::EpollEvent& event) {
  SleepGuard guard(mutex_);
  if (find(file, fd)) return Errno::EEXIST;
  EpollItem* item = TRY(make_raw<EpollItem>(*this, file, fd, TRY(FileWatch::of(file))));
  item->events.store(event.events | kAlways, std::memory_order_relaxed);
  item->data = event.data;
  items_.insert(*item);
  {
    MutexLock watch_guard(item->watch->lock);
    item->watch->items.push_back(*item);
  }
  HookTable table(*item);
  PollEvents now = file.poll(&table) & item->events.load(std::memory_order_relaxed);
  if (table.out_of_memory()) {
    erase(*item);
    return Errno::ENOMEM;
  }
  if (now != 0) make_ready(*item, LockMode::kNormal);
  return {};
}

Result<void> Epoll::modify(File& file, int fd, const abi::EpollEvent& event) {
  SleepGuard guard(mutex_);
  EpollItem* item = find(file, fd);
  if (!item) return Errno::ENOENT;
  if ((item->events.load(std::memory_order_relaxed) | event.events) & abi::kEpollExclusive)
    return Errno::EINVAL;
  // A wake-up from here on goes by the new events, and what came before is seen by poll.
  item->events.store(event.events | kAlways, std::memory_order_seq_cst);
  item->data = event.data;
  if (file.poll(nullptr) & (event.events | kAlways)) make_ready(*item, LockMode::kNormal);
  return {};
}

Result<void> Epoll::remove(File& file, int fd) {
  SleepGuard guard(mutex_);
  EpollItem* item = find(file, fd);
  if (!item) return Errno::ENOENT;
  erase(*item);
  return {};
}

// Takes ready items in turn. Each is taken off the list before its file is asked, so that what happens
// meanwhile puts it back; a level-triggered one goes to the end of the list while its events hold.
Result<int> Epoll::collect(UserAddr events, int max) {
  SleepGuard guard(mutex_);
  List<EpollItem, ReadyTag> round;
  {
    MutexLock ready_guard(ready_lock_);
    round.splice_back(ready_);
  }
  int count = 0;
  bool fault = false;
  while (count < max) {
    EpollItem* item;
    {
      MutexLock ready_guard(ready_lock_);
      item = round.pop_front();
    }
    if (!item) break;
    uint32_t wanted = item->events.load(std::memory_order_relaxed);
    PollEvents now = item->file.poll(nullptr) & wanted & ~kFlags;
    if (now == 0) continue;
    if (!put_user(events + static_cast<uint64_t>(count) * sizeof(abi::EpollEvent),
                  abi::EpollEvent{now, item->data})
             .ok()) {
      MutexLock ready_guard(ready_lock_);
      if (!static_cast<ListNode<ReadyTag>&>(*item).linked()) round.push_front(*item);
      fault = true;
      break;
    }
    count++;
    if (wanted & abi::kEpollOneshot) {
      item->events.store(wanted & kFlags, std::memory_order_relaxed);  // nothing more until it is modified
    } else if (!(wanted & abi::kEpollEt)) {
      MutexLock ready_guard(ready_lock_);
      if (!static_cast<ListNode<ReadyTag>&>(*item).linked()) ready_.push_back(*item);
    }
  }
  bool more;
  {
    MutexLock ready_guard(ready_lock_);
    round.splice_back(ready_);
    ready_.splice_back(round);
    more = !ready_.empty();
  }
  if (more) waiters_.wake(kReadable);
  if (fault && count == 0) return Errno::EFAULT;
  return count;
}

Result<int> Epoll::wait(UserAddr events, int max, uint64_t deadline_ns) {
  for (WaitOutcome out = WaitOutcome::kDone;;) {
    if (has_ready()) {
      int count = TRY(collect(events, max));
      if (count != 0) return count;
    }
    if (deadline_ns == 0 || out == WaitOutcome::kTimedOut) return 0;
    if (out == WaitOutcome::kInterrupted) return Errno::EINTR;
    out = wait_event_exclusive(
        waiters_, [this] { return has_ready(); }, WaitMode::kInterruptible, deadline_ns);
  }
}

PollEvents Epoll::poll(PollTable* table) {
  if (table) table->add(poll_waiters_);
  SleepGuard guard(mutex_);
  // What is on the list may not hold any more: such items leave it here.
  for (;;) {
    EpollItem* item;
    {
      MutexLock ready_guard(ready_lock_);
      item = ready_.front();
      if (!item) return 0;
      ready_.remove(*item);
    }
    uint32_t wanted = item->events.load(std::memory_order_relaxed);
    if (!(item->file.poll(nullptr) & wanted & ~kFlags)) continue;
    MutexLock ready_guard(ready_lock_);
    if (!static_cast<ListNode<ReadyTag>&>(*item).linked()) ready_.push_front(*item);
    return kReadable;
  }
}

}  // namespace lodge
