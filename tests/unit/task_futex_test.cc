// Futexes with host threads for tasks: no wake-up is lost, and words, bits and requeueing do what futex(2)
// says.
#include <atomic>
#include <chrono>

#include "kernel/task/futex_waiter.h"
#include "tests/unit/task_fixture.h"

namespace lodge {
namespace {

using namespace std::chrono_literals;

class FutexTest : public TaskTest {
 protected:
  static UserAddr address(const std::atomic<uint32_t>& w) { return reinterpret_cast<UserAddr>(&w); }

  // Runs `f` as the task, on a host thread of its own.
  template <typename F>
  std::thread run(Task& t, F f) {
    return std::thread([this, &t, f] {
      ArenaScope::Join join(arena_);
      Running running(t);
      f(t);
    });
  }
  size_t waiters_on(UserAddr addr) {
    FutexKey key{mm_.get(), addr};
    FutexBucket& b = futexes_.bucket_of(key);
    MutexLock guard(b.lock);
    size_t n = 0;
    for (FutexWaiter& w : b.waiters) n += w.key == key;
    return n;
  }
  void until_waiting(UserAddr addr, size_t n) {
    while (waiters_on(addr) != n) std::this_thread::sleep_for(1ms);
  }
  static uint64_t in_ms(uint64_t ms) { return host::monotonic_ns() + ms * 1'000'000; }
  static constexpr FutexScope kPrivate = FutexScope::kPrivate;
};

TEST_F(FutexTest, WaitsOnlyWhileTheWordIsAsExpected) {
  std::atomic<uint32_t> word{1};
  Running running(*init_);
  auto r = futex_wait(*init_, address(word), kPrivate, 0, kFutexAnyBit, host::kNever);
  EXPECT_EQ(r.error(), Errno::EAGAIN);
  EXPECT_EQ(waiters_on(address(word)), 0u);
}

TEST_F(FutexTest, TimesOut) {
  std::atomic<uint32_t> word{0};
  Running running(*init_);
  auto r = futex_wait(*init_, address(word), kPrivate, 0, kFutexAnyBit, in_ms(5));
  EXPECT_EQ(r.error(), Errno::ETIMEDOUT);
  EXPECT_EQ(waiters_on(address(word)), 0u);
}

TEST_F(FutexTest, RefusesOddAndUnmappedAddresses) {
  Running running(*init_);
  std::atomic<uint32_t> word{0};
  EXPECT_EQ(futex_wait(*init_, address(word) + 1, kPrivate, 0, kFutexAnyBit, host::kNever).error(),
            Errno::EINVAL);
  EXPECT_EQ(futex_wait(*init_, 0x10000, kPrivate, 0, kFutexAnyBit, host::kNever).error(), Errno::EFAULT);
}

TEST_F(FutexTest, WakesAsManyAsAskedFor) {
  std::atomic<uint32_t> word{0};
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++)
    threads.push_back(run(new_thread(*init_), [&](Task& t) {
      EXPECT_TRUE(futex_wait(t, address(word), kPrivate, 0, kFutexAnyBit, host::kNever).ok());
      woken++;
    }));
  until_waiting(address(word), 3);
  Running running(*init_);
  EXPECT_EQ(*futex_wake(*init_, address(word), kPrivate, 2), 2);
  until_waiting(address(word), 1);
  EXPECT_EQ(*futex_wake(*init_, address(word), kPrivate, 100), 1);
  for (auto& t : threads) t.join();
  EXPECT_EQ(woken, 3);
}

TEST_F(FutexTest, BitsetsSelect) {
  std::atomic<uint32_t> word{0};
  std::thread t = run(new_thread(*init_), [&](Task& task) {
    EXPECT_TRUE(futex_wait(task, address(word), kPrivate, 0, 2, host::kNever).ok());
  });
  until_waiting(address(word), 1);
  Running running(*init_);
  EXPECT_EQ(*futex_wake(*init_, address(word), kPrivate, 1, 1), 0);
  EXPECT_EQ(*futex_wake(*init_, address(word), kPrivate, 1, 2 | 4), 1);
  t.join();
}

TEST_F(FutexTest, RequeuedWaitersWaitForTheOtherWord) {
  std::atomic<uint32_t> from{0}, to{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++)
    threads.push_back(run(new_thread(*init_), [&](Task& t) {
      EXPECT_TRUE(futex_wait(t, address(from), kPrivate, 0, kFutexAnyBit, host::kNever).ok());
    }));
  until_waiting(address(from), 3);
  Running running(*init_);
  EXPECT_EQ(*futex_requeue(*init_, address(from), address(to), kPrivate, 1, 100), 3);
  EXPECT_EQ(waiters_on(address(from)), 0u);
  EXPECT_EQ(waiters_on(address(to)), 2u);
  EXPECT_EQ(*futex_wake(*init_, address(to), kPrivate, 100), 2);
  for (auto& t : threads) t.join();
}

TEST_F(FutexTest, WakeOpChangesTestsAndWakes) {
  std::atomic<uint32_t> first{0}, second{5};
  std::thread t = run(new_thread(*init_), [&](Task& task) {
    EXPECT_TRUE(futex_wait(task, address(second), kPrivate, 5, kFutexAnyBit, host::kNever).ok());
  });
  until_waiting(address(second), 1);
  Running running(*init_);
  constexpr uint32_t kAdd = 1u << 28, kEqual = 0u << 24;
  uint32_t add_three_if_five = kAdd | kEqual | (3 << 12) | 5;
  EXPECT_EQ(*futex_wake_op(*init_, address(first), address(second), kPrivate, 1, 1, add_three_if_five), 1);
  EXPECT_EQ(second, 8u);
  t.join();
}

TEST_F(FutexTest, SharedKeyOfPrivateMemoryIsTheSame) {
  uint64_t page = *mm_->map(anonymous(kPageSize));
  std::thread t = run(new_thread(*init_), [&](Task& task) {
    EXPECT_TRUE(futex_wait(task, page, kPrivate, 0, kFutexAnyBit, host::kNever).ok());
  });
  until_waiting(page, 1);
  Running running(*init_);
  EXPECT_EQ(*futex_wake(*init_, page, FutexScope::kShared, 1), 1);
  t.join();
}

TEST_F(FutexTest, WaitAnySaysWhich) {
  std::atomic<uint32_t> words[3] = {};
  std::thread t = run(new_thread(*init_), [&](Task& task) {
    FutexWaitItem items[3];
    for (int i = 0; i < 3; i++) items[i] = {address(words[i]), kPrivate, 0};
    auto r = futex_wait_any(task, items, host::kNever);
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(*r, 1);
  });
  until_waiting(address(words[2]), 1);
  Running running(*init_);
  EXPECT_EQ(*futex_wake(*init_, address(words[1]), kPrivate, 1), 1);
  t.join();
  for (auto& w : words) EXPECT_EQ(waiters_on(address(w)), 0u);
}

// A lock whose slow paths are futexes, taken by several threads: a lost wake-up would hang it.
TEST_F(FutexTest, LockOfTwoStatesLosesNoWakeUp) {
  constexpr int kThreads = 4, kRounds = 3000;
  std::atomic<uint32_t> lock{0};
  int counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++)
    threads.push_back(run(new_thread(*init_), [&](Task& t) {
      for (int n = 0; n < kRounds; n++) {
        uint32_t seen = 0;
        if (!lock.compare_exchange_strong(seen, 1))
          while (lock.exchange(2) != 0)
            (void)futex_wait(t, address(lock), kPrivate, 2, kFutexAnyBit, host::kNever);
        counter++;
        if (lock.exchange(0) == 2) (void)futex_wake(t, address(lock), kPrivate, 1);
      }
    }));
  for (auto& t : threads) t.join();
  EXPECT_EQ(counter, kThreads * kRounds);
}

TEST_F(FutexTest, PiLockIsHandedOver) {
  constexpr int kThreads = 4, kRounds = 500;
  std::atomic<uint32_t> lock{0};
  int counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++)
    threads.push_back(run(new_thread(*init_), [&](Task& t) {
      for (int n = 0; n < kRounds; n++) {
        uint32_t free = 0, mine = static_cast<uint32_t>(t.tid);
        if (!lock.compare_exchange_strong(free, mine)) {
          ASSERT_TRUE(futex_lock_pi(t, address(lock), kPrivate, FutexTry::kWait, host::kNever).ok());
        }
        ASSERT_EQ(lock & 0x3fffffff, mine);
        counter++;
        if (!lock.compare_exchange_strong(mine, 0)) {
          ASSERT_TRUE(futex_unlock_pi(t, address(lock), kPrivate).ok());
        }
      }
    }));
  for (auto& t : threads) t.join();
  EXPECT_EQ(counter, kThreads * kRounds);
  EXPECT_EQ(lock, 0u);
  EXPECT_EQ(futexes_.pi_waiters, 0u);
}

TEST_F(FutexTest, PiErrors) {
  Running running(*init_);
  std::atomic<uint32_t> lock{static_cast<uint32_t>(init_->tid)};
  EXPECT_EQ(futex_lock_pi(*init_, address(lock), kPrivate, FutexTry::kWait, host::kNever).error(),
            Errno::EDEADLK);
  lock = 12345;
  EXPECT_EQ(futex_lock_pi(*init_, address(lock), kPrivate, FutexTry::kWait, host::kNever).error(),
            Errno::ESRCH);
  EXPECT_EQ(futex_unlock_pi(*init_, address(lock), kPrivate).error(), Errno::EPERM);
}

TEST_F(FutexTest, PiWaiterOfATaskThatEndsTakesOver) {
  Task& owner = new_thread(*init_);
  std::atomic<uint32_t> lock{static_cast<uint32_t>(owner.tid)};
  int32_t waiter_tid = 0;
  std::thread t = run(new_thread(*init_), [&](Task& task) {
    waiter_tid = task.tid;
    EXPECT_TRUE(futex_lock_pi(task, address(lock), kPrivate, FutexTry::kWait, host::kNever).ok());
  });
  until_waiting(address(lock), 1);
  Running running(owner);
  futex_exit(owner);
  t.join();
  EXPECT_EQ(lock & 0x3fffffff, static_cast<uint32_t>(waiter_tid));
  EXPECT_TRUE(lock & 0x40000000);  // FUTEX_OWNER_DIED
}

TEST_F(FutexTest, RobustListIsGivenUp) {
  struct Entry {
    uint64_t next;
    std::atomic<uint32_t> word;
  };
  struct Head {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
  };
  Task& owner = new_thread(*init_);
  auto tid = static_cast<uint32_t>(owner.tid);
  Head head{};
  Entry held{reinterpret_cast<uint64_t>(&head), tid}, others{reinterpret_cast<uint64_t>(&held), tid + 1};
  head.next = reinterpret_cast<uint64_t>(&others);
  head.offset = offsetof(Entry, word);
  owner.robust_list = reinterpret_cast<uint64_t>(&head);
  Running running(owner);
  futex_exit(owner);
  EXPECT_EQ(held.word, 0x40000000u);
  EXPECT_EQ(others.word, tid + 1);
}

}  // namespace
}  // namespace lodge
