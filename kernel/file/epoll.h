// Epoll: a set of files whose readiness is collected as it happens (epoll(7)).
//
// Each item has a waiter in each queue that its file named when it was polled. A wake-up puts the item on the
// ready list; epoll_wait takes items from there, asks their files what holds, and tells the caller.
//
// Locks: mutex_ (sleeping) guards the items, and is held while files are polled and events copied to the
// guest; of two sets the watching one's is taken first, and no set watches itself, however indirectly
// (nesting). ready_lock_ (kEpoll) guards the ready list; callbacks take it under the lock of a file's wait
// queue. An item's file pointer is good while the item is in the set and mutex_ is held: a file's end waits
// for mutex_ before the file is freed. So no reference is taken, and none is dropped under mutex_, which
// would end in here again. Reference: Linux fs/eventpoll.c, epoll(7), epoll_ctl(2).
#pragma once
#include <optional>

#include "kernel/abi/poll.h"
#include "kernel/base/arena.h"
#include "kernel/base/kernel.h"
#include "kernel/base/rbtree.h"
#include "kernel/file/file.h"
#include "kernel/file/file_watch.h"
#include "kernel/host/user_copy.h"

namespace lodge {

class Epoll;
struct ReadyTag;

// One queue that an item listens to.
struct EpollHook : Waiter {
  EpollHook();
  EpollItem* item = nullptr;
  EpollHook* next = nullptr;  // further ones are allocated
};

struct EpollItem : RbNode, ListNode<ReadyTag>, ListNode<WatchTag> {
  static constexpr SlabId kSlab = SlabId::kEpollItem;
  EpollItem(Epoll& s, File& f, int fd_number, Ref<FileWatch> w)
      : set(s), file(f), fd(fd_number), watch(std::move(w)) {}
  ~EpollItem();

  Epoll& set;
  File& file;
  const int fd;
  Ref<FileWatch> watch;
  bool detached = false;            // of watch->lock
  std::atomic<uint32_t> events{0};  // what is wanted, with the flags of abi::kEpoll*
  uint64_t data = 0;
  EpollHook first_hook;
  bool first_hook_used = false;
};

// So that two epoll_ctl calls do not make a loop between them.
struct EpollState {
  static constexpr KernelPart kPart = KernelPart::kEpoll;
  SleepMutex nesting;
};

class Epoll final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kEpoll;
  static constexpr int kMaxNesting = 4;  // from a set to one below it
  static Result<Ref<File>> create();
  explicit Epoll(Ref<Inode> inode) : File(std::move(inode), abi::kORdwr) {}
  ~Epoll() override;

  // epoll_ctl(2). `file` is held by the caller.
  Result<void> add(File& file, int fd, const abi::EpollEvent& event);
  Result<void> modify(File& file, int fd, const abi::EpollEvent& event);
  Result<void> remove(File& file, int fd);
  // epoll_wait(2): up to `max` events to the guest's array. EINTR after a signal.
  Result<int> wait(UserAddr events, int max, uint64_t deadline_ns);

  FileKind kind() const override { return kKind; }
  bool is_stream() const override { return true; }
  Result<uint64_t> seek(int64_t, int) override { return 0; }  // lseek(2) works and means nothing
  void describe(Formatter& out) const override;
  void show_info(Formatter& out) override;
  Result<size_t> read(IoCursor&, uint64_t) override { return Errno::EINVAL; }
  Result<size_t> write(IoCursor&, uint64_t) override { return Errno::EINVAL; }
  PollEvents poll(PollTable* table) override;
  Inode* map_source() override { return nullptr; }

  // A file of this set is gone; its item is detached.
  void forget(EpollItem& item);
  static void detach_locked(EpollItem& item);  // item.watch->lock is held

 private:
  friend struct EpollHook;
  struct ByFile {
    static bool less(const EpollItem& a, const EpollItem& b) {
      return &a.file != &b.file ? &a.file < &b.file : a.fd < b.fd;
    }
  };
  static bool on_event(Waiter& waiter, PollEvents events);
  EpollItem* find(File& file, int fd);
  Result<void> insert(File& file, int fd, const abi::EpollEvent& event);
  void erase(EpollItem& item);
  void make_ready(EpollItem& item, LockMode mode);
  bool has_ready();
  Result<int> collect(UserAddr events, int max);
  int height_above(int limit);
  Result<void> check_nesting(Epoll& goal, int depth);

  SleepMutex mutex_;
  RbTree<EpollItem, ByFile> items_;
  Mutex ready_lock_{LockClass::kEpoll};
  List<EpollItem, ReadyTag> ready_ GUARDED_BY(ready_lock_);
  WaitQueue waiters_;       // in wait()
  WaitQueue poll_waiters_;  // who polls this set, other sets among them
};

}  // namespace lodge
