// The fair policies in virtual time: one virtual CPU that hands out slices, no host threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "kernel/sched/eevdf.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/round_robin.h"

namespace lodge {
namespace {

constexpr uint64_t kMs = 1'000'000;

// What the switch does with a policy: a current, ticks, wake-ups.
class Machine {
 public:
  explicit Machine(FairPolicy& policy) : policy_(policy) {}

  SchedEntity& add(int nice = 0, SchedPolicy p = SchedPolicy::kOther) {
    all_.push_back(std::make_unique<SchedEntity>());
    SchedEntity& e = *all_.back();
    e.nice = static_cast<int8_t>(nice);
    e.policy = p;
    wake(e);
    return e;
  }
  // True if e took the CPU from the one that ran.
  bool wake(SchedEntity& e) {
    policy_.place(e, current_);
    if (!current_) {
      current_ = &e;
      return true;
    }
    policy_.enqueue(e);
    if (!policy_.should_preempt(*current_, e)) return false;
    switch_over();
    return current_ == &e;
  }
  void sleep() {
    policy_.leave(*current_, current_);
    current_ = take(nullptr);
  }
  void run(uint64_t ns, uint64_t tick = 4 * kMs) {
    for (uint64_t done = 0; done < ns && current_; done += tick) {
      policy_.charge(*current_, tick);
      current_->runtime += tick;
      if (policy_.is_better(*current_)) switch_over();
    }
  }
  void set_nice(SchedEntity& e, int nice) {
    bool queued = &e != current_;
    uint64_t old = weight_of(e);
    if (queued) policy_.dequeue(e);
    e.nice = static_cast<int8_t>(nice);
    policy_.reweigh(e, old, queued ? current_ : nullptr);
    if (queued) policy_.enqueue(e);
  }
  SchedEntity* current() { return current_; }

 private:
  SchedEntity* take(SchedEntity* running) {
    SchedEntity* e = policy_.pick(running);
    if (e) policy_.dequeue(*e);
    return e;
  }
  void switch_over() {
    SchedEntity* next = take(current_);
    policy_.enqueue(*current_);
    current_ = next;
  }
  FairPolicy& policy_;
  SchedEntity* current_ = nullptr;
  std::vector<std::unique_ptr<SchedEntity>> all_;
};

double share(const SchedEntity& e, uint64_t total) {
  return static_cast<double>(e.runtime.load()) / static_cast<double>(total);
}

TEST(Eevdf, EqualsGetEqualShares) {
  Eevdf policy;
  Machine m(policy);
  std::vector<SchedEntity*> e;
  for (int i = 0; i < 7; i++) e.push_back(&m.add());
  m.run(7000 * kMs);
  for (SchedEntity* x : e) EXPECT_NEAR(share(*x, 7000 * kMs), 1.0 / 7, 0.004);
}

TEST(Eevdf, SharesFollowTheWeights) {
  Eevdf policy;
  Machine m(policy);
  std::vector<SchedEntity*> e;
  double weights = 0;
  for (int nice : {-10, -3, 0, 0, 4, 10, 19}) {
    e.push_back(&m.add(nice));
    weights += static_cast<double>(weight_of(*e.back()));
  }
  constexpr uint64_t kTotal = 200'000 * kMs;
  m.run(kTotal);
  for (SchedEntity* x : e) {
    double due = static_cast<double>(weight_of(*x)) / weights;
    EXPECT_NEAR(share(*x, kTotal), due, due * 0.03 + 0.0001) << "nice " << int{x->nice};
  }
}

TEST(Eevdf, IdlePolicyGetsNextToNothingAndAllOfAnIdleCpu) {
  Eevdf policy;
  Machine m(policy);
  SchedEntity& busy = m.add();
  SchedEntity& idle = m.add(0, SchedPolicy::kIdle);
  m.run(10'000 * kMs);
  EXPECT_GT(share(busy, 10'000 * kMs), 0.99);
  EXPECT_GT(idle.runtime.load(), 0u);
  while (m.current() != &busy) m.run(4 * kMs);
  m.sleep();
  uint64_t before = idle.runtime;
  m.run(1000 * kMs);
  EXPECT_EQ(idle.runtime - before, 1000 * kMs);
  // A thread of another policy does not wait for it.
  EXPECT_TRUE(m.wake(busy));
}

// EEVDF's promise: who comes with nothing owed has had its slice by its deadline, which is as far away as a
// slice is at its share of the CPU. With few others that is the end of the running one's slice.
TEST(Eevdf, ASleeperIsServedBeforeItsDeadline) {
  for (int others : {1, 10, 100}) {
    Eevdf policy;
    Machine m(policy);
    SchedEntity& sleeper = m.add();
    for (int i = 0; i < others; i++) m.add();
    uint64_t longest = 0, wakes = 0;
    bool woken = false;
    for (int round = 0; round < 300; round++) {
      // It runs half a millisecond, sleeps a while, and comes back.
      uint64_t waited = 0;
      while (m.current() != &sleeper) {
        m.run(kMs / 2, kMs / 2);
        waited += kMs / 2;
      }
      if (woken) longest = std::max(longest, waited);
      m.run(kMs / 2, kMs / 2);
      woken = m.current() == &sleeper;
      if (!woken) continue;
      wakes++;
      m.sleep();
      m.run(static_cast<uint64_t>(20 + 2 * others) * kMs);
      m.wake(sleeper);
    }
    EXPECT_LE(longest, static_cast<uint64_t>(others + 1) * kBaseSliceNs) << others;
    EXPECT_GE(wakes, 100u) << others;
  }
}

TEST(Eevdf, SleepNeitherGainsNorLoses) {
  Eevdf policy;
  Machine m(policy);
  SchedEntity& a = m.add();
  SchedEntity& b = m.add();
  m.run(100 * kMs);
  // A long sleep is worth no credit beyond the bound: afterwards both get half.
  while (m.current() != &a) m.run(4 * kMs);
  m.sleep();
  m.run(60'000 * kMs);
  m.wake(a);
  uint64_t a0 = a.runtime, b0 = b.runtime;
  m.run(1000 * kMs);
  EXPECT_NEAR(static_cast<double>(a.runtime - a0), static_cast<double>(b.runtime - b0), 20.0 * kMs);
  // Nor does who has just had too much get rid of that by a nap.
  while (m.current() != &b) m.run(4 * kMs);
  a0 = a.runtime, b0 = b.runtime;
  for (int i = 0; i < 200; i++) {
    while (m.current() != &b) m.run(kMs, kMs);
    m.run(2 * kMs, kMs);
    if (m.current() != &b) continue;
    m.sleep();
    m.wake(b);
  }
  EXPECT_LT(static_cast<double>(b.runtime - b0), 1.2 * static_cast<double>(a.runtime - a0));
}

TEST(Eevdf, ANewWeightKeepsWhatWasDue) {
  Eevdf policy;
  Machine m(policy);
  SchedEntity& a = m.add();
  SchedEntity& b = m.add();
  SchedEntity& c = m.add();
  m.run(300 * kMs);
  m.set_nice(a, 5);
  m.set_nice(b, -5);
  uint64_t a0 = a.runtime, b0 = b.runtime, c0 = c.runtime;
  constexpr uint64_t kTotal = 30'000 * kMs;
  m.run(kTotal);
  double weights = static_cast<double>(weight_of(a) + weight_of(b) + weight_of(c));
  EXPECT_NEAR(static_cast<double>(a.runtime - a0) / kTotal, static_cast<double>(weight_of(a)) / weights,
              0.005);
  EXPECT_NEAR(static_cast<double>(b.runtime - b0) / kTotal, static_cast<double>(weight_of(b)) / weights,
              0.01);
  EXPECT_NEAR(static_cast<double>(c.runtime - c0) / kTotal, static_cast<double>(weight_of(c)) / weights,
              0.01);
}

// The descent finds what a look at everybody finds.
TEST(Eevdf, PickIsTheEarliestEligibleDeadline) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; round++) {
    Eevdf policy;
    std::vector<SchedEntity> e(1 + random() % 60);
    __int128 sum = 0, weight = 0;
    uint64_t base = random();
    for (SchedEntity& x : e) {
      x.nice = static_cast<int8_t>(static_cast<int>(random() % 40) - 20);
      x.vruntime = base + random() % (20 * kMs);
      x.deadline = x.vruntime + 1 + random() % (10 * kMs);
      sum += static_cast<__int128>(x.vruntime - base) * weight_of(x);
      weight += weight_of(x);
    }
    // Through a placed one, so that the queue's zero is near.
    SchedEntity first;
    first.vruntime = base;
    policy.charge(first, 0);
    for (SchedEntity& x : e) policy.enqueue(x);
    for (size_t left = e.size(); left > 0; left--) {
      SchedEntity* want = nullptr;
      for (SchedEntity& x : e)
        if (x.linked() && static_cast<__int128>(x.vruntime - base) * weight <= sum &&
            (!want || x.deadline < want->deadline))
          want = &x;
      SchedEntity* got = policy.pick(nullptr);
      ASSERT_NE(got, nullptr);
      ASSERT_NE(want, nullptr);
      EXPECT_EQ(got->deadline, want->deadline);
      policy.dequeue(*got);
      sum -= static_cast<__int128>(got->vruntime - base) * weight_of(*got);
      weight -= weight_of(*got);
    }
    EXPECT_EQ(policy.pick(nullptr), nullptr);
  }
}

TEST(Eevdf, TenThousandAreCheap) {
  Eevdf policy;
  Machine m(policy);
  for (int i = 0; i < 10'000; i++) m.add(i % 40 - 20);
  auto start = std::chrono::steady_clock::now();
  m.run(400'000 * kMs);  // 100,000 ticks
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // A list would take 100,000 times 10,000 steps: several seconds, and under ThreadSanitizer a minute.
#ifdef __SANITIZE_THREAD__
  constexpr double kLimit = 15;
#else
  constexpr double kLimit = 2;
#endif
  EXPECT_LT(took.count(), kLimit);
}

TEST(RoundRobin, TurnsGoRoundWhateverTheWeights) {
  RoundRobin policy;
  Machine m(policy);
  SchedEntity& a = m.add(-10);
  SchedEntity& b = m.add();
  SchedEntity& c = m.add(10);
  m.run(1200 * kMs);
  EXPECT_EQ(a.runtime, 400 * kMs);
  EXPECT_EQ(b.runtime, 400 * kMs);
  EXPECT_EQ(c.runtime, 400 * kMs);
}

TEST(RealtimeQueue, ByPriorityThenInLine) {
  RealtimeQueue q;
  SchedEntity e[5];
  for (SchedEntity& x : e) x.policy = SchedPolicy::kFifo;
  e[0].rt_priority = 10, e[1].rt_priority = 50, e[2].rt_priority = 10, e[3].rt_priority = 50,
  e[4].rt_priority = 10;
  for (int i = 0; i < 4; i++) q.enqueue(e[i], RealtimeQueue::End::kTail);
  q.enqueue(e[4], RealtimeQueue::End::kHead);
  for (int i : {1, 3, 4, 0, 2}) {
    EXPECT_EQ(q.first(), &e[i]);
    q.dequeue(e[i]);
  }
  EXPECT_EQ(q.first(), nullptr);
}

}  // namespace
}  // namespace lodge
