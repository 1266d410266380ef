// timerfd_create(2): a timer that is waited for as a file.
//
// A periodic timer is armed for its next expiration only while nobody has missed one: what passes until
// somebody reads is counted then, so that an unread timer costs nothing. Locks: lock_ (kPipe) for the
// settings; the timer's callback runs under kTimer and touches atomics only.
#pragma once
#include <atomic>

#include "kernel/abi/time.h"
#include "kernel/base/mutex.h"
#include "kernel/file/file.h"
#include "kernel/time/timer.h"

namespace lodge {

class TimerFd final : public File, private Timer, private ClockWatcher {
 public:
  static constexpr FileKind kKind = FileKind::kTimerFd;
  static Result<Ref<File>> create(TimeBase base, uint32_t flags);
  TimerFd(Ref<Inode> inode, TimeBase base, uint32_t flags);
  ~TimerFd() override;

  struct Setting {  // ns; value: until the next expiration (0: disarmed), or an absolute time when set as
                    // such
    uint64_t value = 0, interval = 0;
  };
  struct SetFlags {
    bool absolute = false;
    bool cancel_on_set = false;
  };
  Setting set(const Setting& wanted, SetFlags flags);  // returns what was set before, relative
  Setting get();

  FileKind kind() const override { return kKind; }
  bool is_stream() const override { return true; }
  Result<uint64_t> seek(int64_t, int) override { return 0; }  // lseek(2) works and means nothing
  void describe(Formatter& out) const override;
  void show_info(Formatter& out) override;
  Result<size_t> read(IoCursor& to, uint64_t) override;
  PollEvents poll(PollTable* table) override;
  Inode* map_source() override { return nullptr; }

 private:
  static uint64_t on_expiration(Timer& timer, uint64_t now);
  static void on_clock_step(ClockWatcher& watcher);
  bool due() const { return expired_.load() || canceled_.load(); }
  Setting get_locked() REQUIRES(lock_);
  Result<uint64_t> take_expirations();  // 0: none; ECANCELED

  Mutex lock_{LockClass::kPipe};
  uint64_t deadline_ GUARDED_BY(lock_) =
      0;  // first expiration not read yet, on the timer's base; 0: disarmed
  uint64_t interval_ GUARDED_BY(lock_) = 0;
  uint32_t set_flags_ GUARDED_BY(lock_) = 0;  // TFD_TIMER_*, as last given
  std::atomic<bool> expired_{false};
  std::atomic<bool> canceled_{false};
  WaitQueue queue_;
};

}  // namespace lodge
