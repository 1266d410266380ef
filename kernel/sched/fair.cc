// EEVDF over a list. See runqueue.h for the rule and its source.
#include "kernel/sched/runqueue.h"

namespace lodge {
namespace {

// Weights of nice -20..19, each 1.25 times its neighbour, 1024 at 0 (sched(7)); rounded.
constexpr uint32_t kWeights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
                                   9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
                                   1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
                                   110,   87,    70,    56,    45,    36,    29,    23,    18,    15};
constexpr uint64_t kNice0 = 1024;
constexpr uint64_t kIdleWeight = 3;

int64_t since(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a - b);
}

}  // namespace

uint64_t weight_of(const SchedEntity& e) {
  return e.policy == SchedPolicy::kIdle ? kIdleWeight : kWeights[e.nice + 20];
}

Thread& thread_of(SchedEntity& e) {
  constexpr size_t offset = offsetof(Thread, sched);
  return *reinterpret_cast<Thread*>(reinterpret_cast<char*>(&e) - offset);
}

// The weighted average virtual time of all that compete: who is at or before it is eligible.
uint64_t FairQueue::average(SchedEntity* running) {
  int64_t sum = 0;
  uint64_t weight = 0;
  auto add = [&](SchedEntity& e) {
    uint64_t w = weight_of(e);
    sum += since(e.vruntime, min_vruntime_) * static_cast<int64_t>(w);
    weight += w;
  };
  for (SchedEntity& e : entities_) add(e);
  if (running) add(*running);
  return weight ? min_vruntime_ + sum / static_cast<int64_t>(weight) : min_vruntime_;
}

void FairQueue::enqueue(SchedEntity& e, Placement how) {
  if (how == Placement::kWoken) {
    // Placed at the average less the lag it left with, so that sleeping neither gains nor loses; the lag is
    // bounded.
    uint64_t w = weight_of(e);
    int64_t limit = static_cast<int64_t>(2 * kBaseSliceNs * kNice0 / w);
    int64_t lag = e.lag > limit ? limit : e.lag < -limit ? -limit : e.lag;
    e.vruntime = average(nullptr) - static_cast<uint64_t>(lag);
    e.deadline = e.vruntime + kBaseSliceNs * kNice0 / w;
  }
  entities_.push_back(e);
}

void FairQueue::note_sleep(SchedEntity& e) {
  e.lag = since(average(&e), e.vruntime);
}

void FairQueue::dequeue(SchedEntity& e) {
  entities_.remove(e);
}

SchedEntity* FairQueue::pick(SchedEntity* running) {
  uint64_t avg = average(running);
  SchedEntity* best = nullptr;
  SchedEntity* earliest = nullptr;
  for (SchedEntity& e : entities_) {
    if (!earliest || since(e.vruntime, earliest->vruntime) < 0) earliest = &e;
    if (since(e.vruntime, avg) > 0) continue;
    if (!best || since(e.deadline, best->deadline) < 0) best = &e;
  }
  return best ? best : earliest;
}

void FairQueue::charge(SchedEntity& e, uint64_t ns) {
  uint64_t w = weight_of(e);
  e.vruntime += ns * kNice0 / w;
  if (since(e.vruntime, e.deadline) >= 0) e.deadline = e.vruntime + kBaseSliceNs * kNice0 / w;
  if (since(e.vruntime, min_vruntime_) > 0 && entities_.empty()) min_vruntime_ = e.vruntime;
  uint64_t least = e.vruntime;
  for (SchedEntity& o : entities_)
    if (since(o.vruntime, least) < 0) least = o.vruntime;
  if (since(least, min_vruntime_) > 0) min_vruntime_ = least;
}

bool FairQueue::should_preempt(SchedEntity& running, SchedEntity& woken) {
  if (running.policy == SchedPolicy::kIdle && woken.policy != SchedPolicy::kIdle) return true;
  if (woken.policy != SchedPolicy::kOther) return false;
  // The woken one must be eligible and have the earlier deadline, and by enough to be worth a switch.
  return since(woken.vruntime, average(&running)) <= 0 &&
         since(running.deadline, woken.deadline) > static_cast<int64_t>(kBaseSliceNs / 3);
}

}  // namespace lodge
