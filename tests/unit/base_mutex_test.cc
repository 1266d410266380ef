// Mutex, RwMutex, SeqCount under contention, and the lock checker's rules. Also run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "kernel/base/mutex.h"
#include "kernel/base/seqlock.h"

namespace lodge {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 20000;

template <typename F>
void in_threads(F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) threads.emplace_back(f, i);
  for (auto& t : threads) t.join();
}

TEST(Mutex, ExcludesUnderContention) {
  Mutex m(LockClass::kSlab);
  uint64_t plain = 0;
  in_threads([&](int) {
    for (int i = 0; i < kRounds; i++) {
      MutexLock lock(m);
      plain++;
    }
  });
  EXPECT_EQ(plain, uint64_t{kThreads} * kRounds);
}

TEST(Mutex, SleeperIsWoken) {
  Mutex m(LockClass::kSlab);
  std::atomic<bool> entered{false};
  m.lock();
  std::thread t([&] {
    MutexLock lock(m);
    entered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // long past the spinning
  EXPECT_FALSE(entered);
  m.unlock();
  t.join();
  EXPECT_TRUE(entered);
}

TEST(Mutex, TryLock) {
  Mutex m(LockClass::kSlab);
  ASSERT_TRUE(m.try_lock());
  std::thread([&] { EXPECT_FALSE(m.try_lock()); }).join();
  m.unlock();
  ASSERT_TRUE(m.try_lock());
  m.unlock();
}

TEST(RwMutex, WritersExcludeAll) {
  RwMutex m(LockClass::kInode);
  uint64_t a = 0, b = 0;
  in_threads([&](int n) {
    for (int i = 0; i < kRounds; i++) {
      if (n == 0 || i % 16 == 0) {
        WriteLock lock(m);
        a++;
        b++;
      } else {
        ReadLock lock(m);
        ASSERT_EQ(a, b);
      }
    }
  });
  EXPECT_EQ(a, kRounds + uint64_t{kThreads - 1} * kRounds / 16);
}

TEST(RwMutex, ReadersShare) {
  RwMutex m(LockClass::kInode);
  ReadLock lock(m);
  bool got = false;
  std::thread([&] {
    ReadLock second(m);
    got = true;
  }).join();
  EXPECT_TRUE(got);
}

TEST(RwMutex, SleepingWriterAndReaderAreWoken) {
  RwMutex m(LockClass::kInode);
  std::atomic<int> entered{0};
  m.lock_shared();
  std::thread writer([&] {
    WriteLock lock(m);
    entered++;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::thread reader([&] {  // queues behind the waiting writer
    ReadLock lock(m);
    entered++;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(entered, 0);
  m.unlock_shared();
  writer.join();
  reader.join();
  EXPECT_EQ(entered, 2);
}

TEST(SeqCount, ReadersSeeWholeChanges) {
  SeqCount seq;
  std::atomic<uint64_t> a{0}, b{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 1; i <= kRounds * 4; i++) {
      SeqWrite w(seq);
      a.store(i, std::memory_order_relaxed);
      b.store(2 * i, std::memory_order_relaxed);
    }
    stop = true;
  });
  while (!stop) {
    uint64_t x, y;
    uint32_t s;
    do {
      s = seq.read_begin();
      x = a.load(std::memory_order_relaxed);
      y = b.load(std::memory_order_relaxed);
    } while (seq.read_retry(s));
    ASSERT_EQ(2 * x, y);
  }
  writer.join();
}

TEST(LockdepDeathTest, WrongOrderNamesBoth) {
  Mutex slab(LockClass::kSlab), dentry(LockClass::kDentry);
  MutexLock lock(slab);
  EXPECT_DEATH(dentry.lock(), "took Dentry while holding Slab");
}

TEST(LockdepDeathTest, TakenTwice) {
  Mutex m(LockClass::kSlab);
  MutexLock lock(m);
  EXPECT_DEATH(m.lock(), "Slab lock taken twice");
}

TEST(LockdepDeathTest, OneClassOnlyNested) {
  Mutex a(LockClass::kDentry), b(LockClass::kDentry);
  MutexLock lock(a);
  { MutexLock nested(b, LockMode::kNested); }
  EXPECT_DEATH(b.lock(), "took Dentry while holding Dentry");
}

TEST(LockdepDeathTest, WaitingWithALock) {
  assert_no_locks_held();
  RwMutex m(LockClass::kInode);
  ReadLock lock(m);
  EXPECT_DEATH(assert_no_locks_held(), "waits while holding Inode");
}

TEST(LockdepDeathTest, GivenBackUnheld) {
  Mutex m(LockClass::kSlab);
  EXPECT_DEATH(m.unlock(), "not held was given back");
}

TEST(Lockdep, RightOrderAnyRelease) {
  Mutex a(LockClass::kDentry), b(LockClass::kInode), c(LockClass::kSlab);
  a.lock();
  b.lock();
  c.lock();
  EXPECT_TRUE(lockdep_is_held(&b));
  a.unlock();
  c.unlock();
  EXPECT_TRUE(lockdep_is_held(&b));
  EXPECT_FALSE(lockdep_is_held(&a));
  b.unlock();
  assert_no_locks_held();
}

}  // namespace
}  // namespace lodge
