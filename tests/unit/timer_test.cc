// The timer queue, and timerfds (timerfd_create(2)) on top of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/ipc/timer_fd.h"
#include "tests/unit/ipc_support.h"

namespace lodge {
namespace {

constexpr uint64_t kMs = 1'000'000;

struct Recorder : Timer {
  explicit Recorder(TimeBase base = TimeBase::kMonotonic) : Timer(base, &on_time) {}
  static uint64_t on_time(Timer& t, uint64_t now) {
    auto& self = static_cast<Recorder&>(t);
    self.calls++;
    return self.calls < self.wanted ? now + self.interval : kNever;
  }
  int calls = 0, wanted = 1;
  uint64_t interval = 0;
};

class TimerTest : public testing::Test {
 protected:
  static uint64_t now() { return time_now(TimeBase::kMonotonic); }
  // What the timer thread does, until nothing is left to do before `until`.
  void run_until(uint64_t until) {
    for (;;) {
      uint64_t next = k.timers.run_expired();
      uint64_t at = host::monotonic_ns();
      if (at >= until) return;
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(next, until) - std::min(at, next)));
    }
  }
  TestKernel k;
};

TEST_F(TimerTest, IdleMeansNever) {
  EXPECT_EQ(k.timers.earliest(), host::kNever);
  EXPECT_EQ(k.timers.run_expired(), host::kNever);
}

TEST_F(TimerTest, RunsWhatIsDueInOrderAndNothingElse) {
  Recorder a, b, c;
  uint64_t t = now();
  a.arm(t + 3600'000 * kMs);
  c.arm(t - 2 * kMs);
  b.arm(t - kMs);
  EXPECT_EQ(k.timers.run_expired(), t + 3600'000 * kMs);
  EXPECT_EQ(a.calls, 0);
  EXPECT_EQ(b.calls, 1);
  EXPECT_EQ(c.calls, 1);
  EXPECT_TRUE(a.cancel());
  EXPECT_FALSE(b.cancel());
  EXPECT_EQ(k.timers.earliest(), host::kNever);
}

TEST_F(TimerTest, WakesTheThreadOnlyForAnEarlierDeadline) {
  Recorder a, b;
  timer_wakes = 0;
  a.arm(now() + 1000 * kMs);
  EXPECT_EQ(timer_wakes, 1);
  b.arm(now() + 2000 * kMs);
  EXPECT_EQ(timer_wakes, 1);
  b.arm(now() + 500 * kMs);
  EXPECT_EQ(timer_wakes, 2);
}

TEST_F(TimerTest, ACallbackMayAskToBeCalledAgain) {
  Recorder a;
  a.wanted = 4;
  a.interval = kMs;
  a.arm(now());
  run_until(host::monotonic_ns() + 50 * kMs);
  EXPECT_EQ(a.calls, 4);
}

TEST_F(TimerTest, ClocksHaveTheirOwnBases) {
  k.clock.monotonic_base = host::monotonic_ns();
  EXPECT_LT(now(), 1000 * kMs);
  Recorder mono, real(TimeBase::kRealtime);
  mono.arm(10 * kMs);
  real.arm(host::realtime_ns() - 1);
  k.timers.run_expired();
  EXPECT_EQ(real.calls, 1);
  run_until(host::monotonic_ns() + 30 * kMs);
  EXPECT_EQ(mono.calls, 1);
  mono.cancel();
}

class TimerFdTest : public TimerTest {
 protected:
  TimerFd& fd() { return *file_cast<TimerFd>(*file); }
  static ReadOutcome count(uint64_t n) { return text({reinterpret_cast<char*>(&n), 8}); }
  Ref<File> file = TimerFd::create(TimeBase::kMonotonic, abi::kONonblock).take();
};

TEST_F(TimerFdTest, ExpiresOnce) {
  EXPECT_EQ(read_file(*file, 8), error(Errno::EAGAIN));
  fd().set({5 * kMs, 0}, {});
  TimerFd::Setting left = fd().get();
  EXPECT_GT(left.value, 0u);
  EXPECT_LE(left.value, 5 * kMs);
  run_until(host::monotonic_ns() + 6 * kMs);
  EXPECT_EQ(file->poll(nullptr), kPollIn | kPollRdNorm);
  EXPECT_EQ(read_file(*file, 7), error(Errno::EINVAL));
  EXPECT_EQ(read_file(*file, 8), count(1));
  EXPECT_EQ(read_file(*file, 8), error(Errno::EAGAIN));
  EXPECT_EQ(fd().get().value, 0u);
}

TEST_F(TimerFdTest, CountsWhatNobodyReadMeanwhileWithoutWakingForIt) {
  uint64_t start = now();
  fd().set({start + 10 * kMs, 10 * kMs}, {.absolute = true});
  run_until(host::monotonic_ns() + 11 * kMs);
  EXPECT_EQ(k.timers.earliest(), host::kNever);  // it waits to be read
  std::this_thread::sleep_for(std::chrono::milliseconds(35));
  ReadOutcome r = read_file(*file, 8);
  ASSERT_EQ(r.text.size(), 8u);
  uint64_t n;
  memcpy(&n, r.text.data(), 8);
  EXPECT_GE(n, 4u);
  EXPECT_EQ(n, (now() - start) / (10 * kMs));
  EXPECT_NE(k.timers.earliest(), host::kNever);
}

TEST_F(TimerFdTest, DisarmingForgets) {
  fd().set({1, 5 * kMs}, {});
  k.timers.run_expired();
  TimerFd::Setting old = fd().set({}, {});
  EXPECT_EQ(old.interval, 5 * kMs);
  EXPECT_EQ(read_file(*file, 8), error(Errno::EAGAIN));
  EXPECT_EQ(k.timers.earliest(), host::kNever);
}

TEST_F(TimerFdTest, PastAbsoluteTimesExpireAtOnce) {
  fd().set({1, 0}, {.absolute = true});
  k.timers.run_expired();
  EXPECT_EQ(read_file(*file, 8), count(1));
}

TEST_F(TimerFdTest, ReaderWaits) {
  file = TimerFd::create(TimeBase::kMonotonic, 0).take();
  fd().set({10 * kMs, 0}, {});
  ReadOutcome got;
  TestThread reader(k, [&] { got = read_file(*file, 8); });
  run_until(host::monotonic_ns() + 12 * kMs);
  EXPECT_TRUE(reader.ends_within(5000));
  EXPECT_EQ(got, count(1));
}

TEST_F(TimerFdTest, GoneWhileArmed) {
  fd().set({kMs, kMs}, {});
  { Ref<File> gone = std::move(file); }
  EXPECT_EQ(k.timers.earliest(), host::kNever);
  file = TimerFd::create(TimeBase::kMonotonic, 0).take();
}

}  // namespace
}  // namespace lodge
