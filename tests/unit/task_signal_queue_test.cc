// Pending signals of one queue: order, what is kept once and what is kept each time, and what happens without
// memory.
#include <gtest/gtest.h>

#include "kernel/host/hosted/arena_scope.h"
#include "kernel/task/signal_queue.h"

namespace lodge {
namespace {

using abi::SigInfo;
using abi::SigSet;

constexpr SigSet kAll{~uint64_t{0}};

SigInfo info(int signo, int code = abi::kSiUser, int value = 0) {
  SigInfo i;
  i.signo = signo;
  i.code = code;
  i.rt.value.integer = value;
  return i;
}

class SignalQueueTest : public testing::Test {
 protected:
  ArenaScope arena_;
  SignalQueue queue_;
};

TEST_F(SignalQueueTest, StandardSignalIsKeptOnce) {
  ASSERT_TRUE(queue_.add(info(abi::kSigUsr1, abi::kSiQueue, 1)).ok());
  ASSERT_TRUE(queue_.add(info(abi::kSigUsr1, abi::kSiQueue, 2)).ok());
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.rt.value.integer, 1);
  EXPECT_FALSE(queue_.take(kAll, got));
  EXPECT_EQ(queue_.pending().bits, 0u);
}

TEST_F(SignalQueueTest, RealtimeSignalsKeepTheirNumberAndOrder) {
  for (int v : {1, 2, 3}) ASSERT_TRUE(queue_.add(info(40, abi::kSiQueue, v)).ok());
  ASSERT_TRUE(queue_.add(info(35, abi::kSiQueue, 9)).ok());
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.signo, 35);  // the lowest number first
  for (int v : {1, 2, 3}) {
    EXPECT_TRUE(queue_.pending().has(40));
    ASSERT_TRUE(queue_.take(kAll, got));
    EXPECT_EQ(got.rt.value.integer, v);
  }
  EXPECT_FALSE(queue_.pending().has(40));
}

TEST_F(SignalQueueTest, FaultsComeBeforeLowerNumbers) {
  ASSERT_TRUE(queue_.add(info(abi::kSigHup)).ok());
  ASSERT_TRUE(queue_.add(info(abi::kSigSegv, abi::kSegvMapErr)).ok());
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.signo, abi::kSigSegv);
  EXPECT_EQ(got.code, abi::kSegvMapErr);
}

TEST_F(SignalQueueTest, TakesOnlyWhatIsWanted) {
  ASSERT_TRUE(queue_.add(info(abi::kSigUsr1)).ok());
  SigInfo got;
  EXPECT_FALSE(queue_.take(SigSet::of(abi::kSigUsr2), got));
  EXPECT_TRUE(queue_.pending().has(abi::kSigUsr1));
}

TEST_F(SignalQueueTest, FlushForgetsOneSignalAlone) {
  size_t before = arena_.active_objects();
  for (int v : {1, 2}) ASSERT_TRUE(queue_.add(info(40, abi::kSiQueue, v)).ok());
  ASSERT_TRUE(queue_.add(info(41, abi::kSiQueue, 3)).ok());
  queue_.flush(SigSet::of(40));
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.signo, 41);
  EXPECT_FALSE(queue_.take(kAll, got));
  EXPECT_EQ(arena_.active_objects(), before);
}

TEST_F(SignalQueueTest, TimersQueueEvenStandardSignals) {
  SigInfo first = info(abi::kSigAlrm, abi::kSiTimer), second = first;
  first.timer.id = 1;
  second.timer.id = 2;
  ASSERT_TRUE(queue_.add(first).ok());
  ASSERT_TRUE(queue_.add(second).ok());
  EXPECT_TRUE(queue_.has_timer(1));
  EXPECT_TRUE(queue_.has_timer(2));
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.timer.id, 1);
  EXPECT_FALSE(queue_.has_timer(1));
  EXPECT_TRUE(queue_.pending().has(abi::kSigAlrm));
}

TEST_F(SignalQueueTest, WithoutMemoryAStandardSignalLosesOnlyItsInfo) {
  arena_.arena().fail_nth(1);
  ASSERT_TRUE(queue_.add(info(abi::kSigTerm, abi::kSiQueue, 7)).ok());
  ASSERT_EQ(arena_.arena().fail_pending(), 0u);
  SigInfo got;
  ASSERT_TRUE(queue_.take(kAll, got));
  EXPECT_EQ(got.signo, abi::kSigTerm);
  EXPECT_EQ(got.code, abi::kSiUser);
}

TEST_F(SignalQueueTest, LimitHoldsForQueuedSignalsOnly) {
  constexpr uint64_t kLimit = 2;
  for (int v : {1, 2}) ASSERT_TRUE(queue_.add(info(40, abi::kSiQueue, v), kLimit).ok());
  EXPECT_EQ(queue_.add(info(40, abi::kSiQueue, 3), kLimit).error(), Errno::EAGAIN);
  EXPECT_TRUE(queue_.add(info(41, abi::kSiUser), kLimit).ok());  // kill(2): without its info
  EXPECT_TRUE(queue_.add(info(abi::kSigTerm), kLimit).ok());
  SigInfo got;
  ASSERT_TRUE(queue_.take(SigSet::of(40), got));
  EXPECT_TRUE(queue_.add(info(40, abi::kSiQueue, 3), kLimit + 1).ok());  // SIGTERM counts, too
}

TEST_F(SignalQueueTest, WithoutMemoryAQueuedRealtimeSignalFails) {
  arena_.arena().fail_nth(1);
  auto r = queue_.add(info(40, abi::kSiQueue));
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error(), Errno::EAGAIN);
  EXPECT_EQ(queue_.pending().bits, 0u);
}

}  // namespace
}  // namespace lodge
