// Switching with host threads as kernel contexts: whoever has the virtual CPU runs, the others are parked.
// What the tests observe is an order, or a bound that only a lost wake-up or a wrong choice breaks. Ticks
// come from whoever runs, as an interrupt would, so that a host too busy for the test's main thread does not
// delay them.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kernel/base/kernel.h"
#include "kernel/host/hosted/arena_scope.h"
#include "kernel/host/hosted/slot_scope.h"
#include "kernel/sched/cpu_time.h"
#include "kernel/sched/sched.h"

namespace lodge {
namespace {

constexpr uint64_t kMs = 1'000'000;

class SwitchTest : public testing::Test {
 protected:
  void SetUp() override {
    arena_.arena().set_kernel(&kernel_);
    kernel_.set_part(*scheduler_);
    set_cpus(1);
    scheduler_->load.start(host::monotonic_ns());
  }
  void TearDown() override {
    for (auto& c : contexts_) c->host.join();
    arena_.arena().set_kernel(nullptr);
  }
  void set_cpus(int n) {
    scheduler_->cpu_count = n;
    for (int i = 0; i < n; i++) {
      scheduler_->cpus[i].index = i;
      scheduler_->cpus[i].idle_since = host::monotonic_ns();
    }
  }
  VirtualCpu& cpu(int i = 0) { return scheduler_->cpus[i]; }

  struct Context {
    explicit Context(uint32_t slot) : thread(slot) {}
    Thread thread;
    std::thread host;
    std::atomic<bool> done{false};
  };
  Context& add_context() {
    std::lock_guard guard(contexts_mutex_);
    contexts_.push_back(std::make_unique<Context>(static_cast<uint32_t>(contexts_.size())));
    return *contexts_.back();
  }
  // A thread of the VPS on virtual CPU 0, parked until its turn. `set` may change its policy before.
  Context& spawn(std::function<void()> body, std::function<void(SchedEntity&)> set = {}) {
    Context& c = add_context();
    if (set) set(c.thread.sched);
    c.host = std::thread([this, &c, body] {
      ArenaScope::Join join(arena_);
      SlotScope slot(c.thread);
      sched_wait_for_turn(c.thread);
      body();
      c.done = true;
      sched_exit(c.thread);
    });
    sched_start(c.thread, cpu());
    return c;
  }
  void tick() {
    std::unique_lock only_one(tick_mutex_, std::try_to_lock);
    uint64_t now = host::monotonic_ns();
    if (!only_one || now - last_tick_ < kMs) return;
    last_tick_ = now;
    sched_tick(now);
  }
  // For when nobody runs.
  void tick_until_done(uint64_t limit_ms = 20'000) {
    uint64_t end = host::monotonic_ns() + limit_ms * kMs;
    auto all_done = [&] {
      std::lock_guard guard(contexts_mutex_);
      for (auto& c : contexts_)
        if (!c->done) return false;
      return true;
    };
    while (!all_done()) {
      ASSERT_LT(host::monotonic_ns(), end) << "somebody was forgotten";
      tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  // Runs for so much time on a virtual CPU, and looks at what a return to the guest looks at.
  void burn(uint64_t ns) {
    uint64_t begin = thread_times(current()).total;
    while (thread_times(current()).total - begin < ns) {
      tick();
      if (current().has_pending(kPendingMigrate)) sched_migrate();
      if (current().has_pending(kPendingResched)) sched_resched();
    }
  }
  void note(char c) { order_ += c; }

  ArenaScope arena_;
  Kernel kernel_;
  std::unique_ptr<Scheduler> scheduler_ = std::make_unique<Scheduler>();
  std::string order_;
  std::mutex tick_mutex_;
  uint64_t last_tick_ = 0;
  std::mutex contexts_mutex_;  // threads may make others
  std::vector<std::unique_ptr<Context>> contexts_;
};

auto fifo(int priority) {
  return [priority](SchedEntity& e) {
    e.policy = SchedPolicy::kFifo;
    e.rt_priority = static_cast<uint8_t>(priority);
  };
}

TEST_F(SwitchTest, FifoRunsToItsEndByPriority) {
  std::atomic<bool> go{false};
  spawn(
      [&] {
        while (!go) host::cpu_relax();
        note('a');
      },
      fifo(99));
  spawn([&] { note('b'); }, fifo(5));
  spawn([&] { note('c'); });
  spawn([&] { note('d'); }, fifo(50));
  spawn([&] { note('e'); }, fifo(5));
  go = true;
  tick_until_done();
  EXPECT_EQ(order_, "adbec");
}

TEST_F(SwitchTest, AFifoThreadThatYieldsGoesBehindItsPriority) {
  std::atomic<bool> go{false};
  spawn(
      [&] {
        while (!go) host::cpu_relax();
        note('a');
        sched_yield();
        note('A');
      },
      fifo(7));
  spawn(
      [&] {
        note('b');
        sched_yield();
        note('B');
      },
      fifo(7));
  spawn([&] { note('c'); }, fifo(6));
  go = true;
  tick_until_done();
  EXPECT_EQ(order_, "abABc");
}

TEST_F(SwitchTest, RoundRobinTakesTurns) {
  auto rr = [](SchedEntity& e) {
    e.policy = SchedPolicy::kRr;
    e.rt_priority = 3;
  };
  std::atomic<bool> go{false};
  auto body = [&](char c) {
    return [&, c] {
      while (!go) host::cpu_relax();
      for (int i = 0; i < 3; i++) {
        note(c);
        burn(kRrSliceNs);
      }
    };
  };
  spawn(body('a'), rr);
  spawn(body('b'), rr);
  go = true;
  tick_until_done();
  // Each has three slices; a look at the slice's end may come a tick late, a turn never in between.
  EXPECT_EQ(order_.size(), 6u);
  EXPECT_NE(order_.find("ab"), std::string::npos);
  EXPECT_NE(order_.find("ba"), std::string::npos);
}

TEST_F(SwitchTest, RealtimePreemptsTheFair) {
  std::atomic<bool> rt_ran{false};
  uint64_t before = 0, after = 0;
  spawn([&] {
    spawn([&] { rt_ran = true; }, fifo(1));
    before = rt_ran;
    burn(kMs);
    after = rt_ran;
  });
  tick_until_done();
  EXPECT_EQ(before, 0u);
  EXPECT_EQ(after, 1u);
}

TEST_F(SwitchTest, TimeIsSharedByNice) {
  std::atomic<bool> stop{false};
  auto body = [&] {
    while (!stop) burn(kMs / 4);
  };
  Context& a = spawn(body);
  Context& b = spawn(body, [](SchedEntity& e) { e.nice = 5; });
  std::thread clock([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    stop = true;
  });
  ArenaScope::Join join(arena_);
  tick_until_done();
  clock.join();
  double ta = static_cast<double>(thread_times(a.thread).total);
  double tb = static_cast<double>(thread_times(b.thread).total);
  EXPECT_NEAR(ta / (ta + tb), 1024.0 / (1024 + 335), 0.1);
  EXPECT_GT(thread_times(b.thread).waited, thread_times(a.thread).waited);
}

TEST_F(SwitchTest, ARunningThreadLeavesACpuThatItMayNotUse) {
  set_cpus(2);
  std::atomic<int> seen{-1};
  std::atomic<bool> running{false};
  Context& c = spawn([&] {
    running = true;
    while (current().sched.vcpu.load()->index == 0) burn(kMs / 10);
    seen = static_cast<int>(current().virtual_cpu);
  });
  while (!running) std::this_thread::yield();
  sched_requeue(
      c.thread, [](Thread& t, void*) { t.sched.affinity = 2; }, nullptr);
  tick_until_done();
  EXPECT_EQ(seen, 1);
}

TEST_F(SwitchTest, AWaitingThreadMovesWithItsAffinity) {
  set_cpus(2);
  std::atomic<bool> moved{false};
  spawn([&] {
    while (!moved) host::cpu_relax();
  });  // never gives way
  Context& c = spawn([&] { moved = current().sched.vcpu.load()->index == 1; });
  EXPECT_TRUE(c.thread.sched.queued);
  sched_requeue(
      c.thread, [](Thread& t, void*) { t.sched.affinity = 2; }, nullptr);
  tick_until_done();
  EXPECT_TRUE(moved);
}

TEST_F(SwitchTest, AnIdleCpuPullsWhoHasWaited) {
  set_cpus(2);
  std::atomic<bool> moved{false};
  spawn([&] {
    while (!moved) host::cpu_relax();
  });
  spawn([&] { moved = current().sched.vcpu.load()->index == 1; });
  tick_until_done();  // without the tick's balance nobody would end
  EXPECT_TRUE(moved);
}

TEST_F(SwitchTest, TheLimitHolds) {
  set_cpus(2);
  sched_set_limit({.quota_ns = 10 * kMs, .period_ns = 50 * kMs, .burst_ns = 0});
  std::atomic<bool> stop{false};
  auto body = [&] {
    while (!stop) burn(kMs / 4);
  };
  Context& a = spawn(body);
  Context& b = spawn(body);
  uint64_t begin = host::monotonic_ns();
  std::thread clock([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    stop = true;
  });
  tick_until_done();
  clock.join();
  double passed = static_cast<double>(host::monotonic_ns() - begin);
  double ran = static_cast<double>(thread_times(a.thread).total + thread_times(b.thread).total);
  // What the host takes while a thread runs counts as its time: once too often, then it is paid back.
  EXPECT_LT(ran, passed * 0.2 + 150.0 * kMs);
  EXPECT_GT(ran, passed * 0.05);
  EXPECT_GT(scheduler_->bandwidth.counters().throttled_periods, 2u);
  EXPECT_GT(cpu_times(cpu()).steal, 0u);
}

TEST_F(SwitchTest, ALimitCanBeLiftedWhileTheVpsStandsStill) {
  sched_set_limit({.quota_ns = kMs, .period_ns = 10'000 * kMs, .burst_ns = 0});
  std::atomic<bool> stop{false};
  spawn([&] {
    while (!stop) burn(kMs);
  });
  uint64_t end = host::monotonic_ns() + 10'000 * kMs;
  while (!scheduler_->bandwidth.exhausted() && host::monotonic_ns() < end) {
    tick();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(scheduler_->bandwidth.exhausted());
  stop = true;
  sched_set_limit({});
  tick_until_done(5000);
}

TEST_F(SwitchTest, ThePolicyIsSwappedUnderRunningThreads) {
  std::atomic<bool> stop{false};
  auto body = [&] {
    while (!stop) burn(kMs / 4);
  };
  Context& a = spawn(body, [](SchedEntity& e) { e.nice = -10; });
  Context& b = spawn(body, [](SchedEntity& e) { e.nice = 10; });
  auto measure = [&] {
    uint64_t a0 = thread_times(a.thread).total, b0 = thread_times(b.thread).total;
    uint64_t end = host::monotonic_ns() + 600 * kMs;
    while (host::monotonic_ns() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    double ta = static_cast<double>(thread_times(a.thread).total - a0);
    double tb = static_cast<double>(thread_times(b.thread).total - b0);
    return ta / (ta + tb);
  };
  EXPECT_GT(measure(), 0.85);
  sched_use_policy(FairKind::kRoundRobin);
  EXPECT_NEAR(measure(), 0.5, 0.2);
  sched_use_policy(FairKind::kEevdf);
  EXPECT_GT(measure(), 0.85);
  stop = true;
  tick_until_done();
}

TEST_F(SwitchTest, SystemTimeIsWhatTheTickSees) {
  std::atomic<int> phase{0};
  Context& c = spawn([&] {
    while (phase == 0) burn(kMs / 4);
    __atomic_store_n(&current().in_kernel, 1, __ATOMIC_RELAXED);
    while (phase == 1) burn(kMs / 4);
    __atomic_store_n(&current().in_kernel, 0, __ATOMIC_RELAXED);
  });
  auto run_for = [&](uint64_t ns) {
    uint64_t begin = thread_times(c.thread).total;
    while (thread_times(c.thread).total - begin < ns) std::this_thread::yield();
    return thread_times(c.thread);
  };
  ThreadTimes before = run_for(100 * kMs);
  EXPECT_EQ(before.system, 0u);
  phase = 1;
  ThreadTimes after = run_for(300 * kMs);
  EXPECT_LE(after.system, after.total - before.total);
  EXPECT_GE(after.system, (after.total - before.total) / 2);
  CpuTimes all = cpu_times(cpu());
  EXPECT_GE(all.system, after.system);
  EXPECT_GE(all.user, before.total);
  phase = 2;
  tick_until_done();
}

TEST_F(SwitchTest, WaitingForADiskIsIowait) {
  spawn([&] {
    sched_release_cpu(HostCall::kDisk);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    sched_reacquire_cpu();
  });
  tick_until_done();
  CpuTimes t = cpu_times(cpu());
  EXPECT_GE(t.iowait, 25 * kMs);
  EXPECT_LT(t.busy(), 20 * kMs);
}

TEST_F(SwitchTest, TicksEndWithTheWork) {
  std::atomic<bool> stop{false};
  spawn([&] {
    while (!stop) burn(kMs / 4);
  });
  EXPECT_EQ(scheduler_->ticking.load(), 1u);
  {
    std::lock_guard only_one(tick_mutex_);
    EXPECT_NE(sched_tick(host::monotonic_ns()), host::kNever);
  }
  stop = true;
  tick_until_done();
  int ticks = 0;
  while (sched_tick(host::monotonic_ns()) != host::kNever) ASSERT_LT(ticks++, 20);
  EXPECT_EQ(scheduler_->ticking.load(), 0u);
}

TEST(LoadAverage, FollowsWhatWasActive) {
  LoadAverage load;
  constexpr uint64_t kSecond = 1'000'000'000;
  load.start(0);
  uint64_t now = 0, active = 0;
  for (int i = 0; i < 360; i++) {  // three threads, half an hour
    now += 5 * kSecond;
    active += 15 * kSecond;
    load.update(now, active);
  }
  EXPECT_NEAR(load.values().load[0] / 2048.0, 3.0, 0.01);
  EXPECT_NEAR(load.values().load[1] / 2048.0, 3.0, 0.02);
  EXPECT_NEAR(load.values().load[2] / 2048.0, 3.0 * 0.865, 0.05);
  // A minute without ticks, seen at its end: e to the -1.
  load.update(now + 60 * kSecond, active);
  EXPECT_NEAR(load.values().load[0] / 2048.0, 3.0 * 0.368, 0.03);
}

TEST(Bandwidth, OverdraftIsPaidBackAndBurstIsBounded) {
  Bandwidth b;
  b.set({.quota_ns = 10 * kMs, .period_ns = 100 * kMs, .burst_ns = 5 * kMs}, 0);
  EXPECT_FALSE(b.refill(1));
  b.charge(25 * kMs);
  EXPECT_TRUE(b.refill(50 * kMs));
  EXPECT_TRUE(b.exhausted());
  EXPECT_FALSE(b.refill(100 * kMs));  // -15 + 10
  EXPECT_TRUE(b.refill(200 * kMs));   // -5 + 10
  EXPECT_FALSE(b.exhausted());
  // Many periods asleep: 15 at most.
  EXPECT_FALSE(b.refill(5000 * kMs));
  b.charge(14 * kMs);
  EXPECT_FALSE(b.refill(5001 * kMs));
  b.charge(kMs);
  EXPECT_TRUE(b.refill(5002 * kMs));
}

}  // namespace
}  // namespace lodge
