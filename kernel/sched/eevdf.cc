#include "kernel/sched/eevdf.h"

namespace lodge {
namespace {

// Weights of nice -20..19, each 1.25 times its neighbour, 1024 at 0 (sched(7)); rounded.
constexpr uint32_t kWeights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
                                   9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
                                   1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
                                   110,   87,    70,    56,    45,    36,    29,    23,    18,    15};
constexpr uint64_t kNice0 = 1024;
constexpr uint64_t kIdleWeight = 3;
// How far the average may go from the zero before that follows: about a second.
constexpr int kFarShift = 30;

int64_t since(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a - b);
}

uint64_t virtual_ns(uint64_t ns, uint64_t weight) {
  return weight == kNice0 ? ns : ns * kNice0 / weight;
}

uint64_t slice_of(const SchedEntity& e) {
  return virtual_ns(kBaseSliceNs, weight_of(e));
}

int64_t bounded_lag(int64_t lag, uint64_t weight) {
  auto limit = static_cast<int64_t>(virtual_ns(2 * kBaseSliceNs, weight));
  return lag > limit ? limit : lag < -limit ? -limit : lag;
}

}  // namespace

uint64_t weight_of(const SchedEntity& e) {
  return e.policy == SchedPolicy::kIdle ? kIdleWeight : kWeights[e.nice + 20];
}

void Eevdf::ByDeadline::update(SchedEntity& e, const SchedEntity* left, const SchedEntity* right) {
  e.min_vruntime = e.vruntime;
  if (left && since(left->min_vruntime, e.min_vruntime) < 0) e.min_vruntime = left->min_vruntime;
  if (right && since(right->min_vruntime, e.min_vruntime) < 0) e.min_vruntime = right->min_vruntime;
}

Eevdf::Totals Eevdf::totals(const SchedEntity* running) const {
  Totals t{sum_, weight_};
  if (running) {
    auto w = static_cast<int64_t>(weight_of(*running));
    t.sum += since(running->vruntime, zero_) * w;
    t.weight += w;
  }
  return t;
}

bool Eevdf::eligible(uint64_t vruntime, const Totals& t) const {
  return static_cast<__int128>(since(vruntime, zero_)) * t.weight <= t.sum;
}

uint64_t Eevdf::average(const Totals& t) const {
  if (t.weight == 0) return zero_;
  int64_t distance = t.sum / t.weight;
  if (t.sum % t.weight < 0) distance--;  // down: who stands at the average is eligible
  return zero_ + static_cast<uint64_t>(distance);
}

void Eevdf::follow_average() {
  int64_t far = weight_ << kFarShift;
  if (sum_ < far && sum_ > -far) return;
  int64_t distance = sum_ / weight_;
  zero_ += static_cast<uint64_t>(distance);
  sum_ -= distance * weight_;
}

void Eevdf::place(SchedEntity& e, const SchedEntity* running) {
  Totals t = totals(running);
  uint64_t w = weight_of(e), avg = average(t);
  int64_t lag = 0;
  if (t.weight != 0) {
    lag = bounded_lag(e.lag, w);
    // Who had too much has been paying it back: the average has come nearer to where it stopped.
    if (lag < 0 && e.lag_of == this) {
      int64_t now = since(avg, e.vruntime);
      lag = now > 0 ? 0 : now > lag ? now : lag;
    }
    // Its joining moves the average towards it: what is left of the lag behind the new one is what it had.
    lag = lag * (t.weight + static_cast<int64_t>(w)) / t.weight;
  }
  e.lag = 0;
  e.vruntime = avg - static_cast<uint64_t>(lag);
  e.deadline = e.vruntime + slice_of(e);
}

void Eevdf::leave(SchedEntity& e, const SchedEntity* running) {
  e.lag = bounded_lag(since(average(totals(running)), e.vruntime), weight_of(e));
  e.lag_of = this;
}

void Eevdf::enqueue(SchedEntity& e) {
  auto w = static_cast<int64_t>(weight_of(e));
  sum_ += since(e.vruntime, zero_) * w;
  weight_ += w;
  tree_.insert(e);
}

void Eevdf::dequeue(SchedEntity& e) {
  tree_.erase(e);
  auto w = static_cast<int64_t>(weight_of(e));
  sum_ -= since(e.vruntime, zero_) * w;
  weight_ -= w;
}

void Eevdf::charge(SchedEntity& running, uint64_t ns) {
  running.vruntime += virtual_ns(ns, weight_of(running));
  if (since(running.vruntime, running.deadline) >= 0) running.deadline = running.vruntime + slice_of(running);
  if (tree_.empty())
    zero_ = running.vruntime;
  else
    follow_average();
}

// To the end of the next request, not one further each time: who yields in a loop would owe it for ever.
void Eevdf::yield(SchedEntity& running) {
  running.deadline = running.vruntime + 2 * slice_of(running);
}

void Eevdf::reweigh(SchedEntity& e, uint64_t old_weight, const SchedEntity* running) {
  uint64_t w = weight_of(e);
  if (w == old_weight) return;
  // Lag and remaining request stay what they were in real time.
  uint64_t avg = average(totals(running));
  auto scaled = [&](int64_t v) { return v * static_cast<int64_t>(old_weight) / static_cast<int64_t>(w); };
  int64_t left = scaled(since(e.deadline, e.vruntime));
  e.vruntime = avg - static_cast<uint64_t>(scaled(since(avg, e.vruntime)));
  e.deadline = e.vruntime + static_cast<uint64_t>(left);
}

// The tree is ordered by deadline, so whatever is eligible on the left comes first; a subtree has somebody
// eligible exactly if its least virtual run time is.
SchedEntity* Eevdf::earliest_eligible(const Totals& t) {
  SchedEntity* e = tree_.root();
  if (!e || !eligible(e->min_vruntime, t)) return nullptr;
  for (;;) {
    SchedEntity* left = Tree::left(*e);
    if (left && eligible(left->min_vruntime, t)) {
      e = left;
      continue;
    }
    if (eligible(e->vruntime, t)) return e;
    e = Tree::right(*e);
  }
}

SchedEntity* Eevdf::pick(const SchedEntity* running) {
  if (SchedEntity* e = earliest_eligible(totals(running))) return e;
  // Only the running one is eligible, and it gives way: to whom it owes the most.
  SchedEntity* e = tree_.root();
  while (e && e->vruntime != e->min_vruntime) {
    SchedEntity* left = Tree::left(*e);
    e = left && left->min_vruntime == e->min_vruntime ? left : Tree::right(*e);
  }
  return e;
}

bool Eevdf::is_better(const SchedEntity& running) {
  Totals t = totals(&running);
  SchedEntity* e = earliest_eligible(t);
  if (!e) return false;
  return !eligible(running.vruntime, t) || since(e->deadline, running.deadline) < 0;
}

bool Eevdf::should_preempt(const SchedEntity& running, const SchedEntity& woken) {
  if (running.policy == SchedPolicy::kIdle && woken.policy != SchedPolicy::kIdle) return true;
  if (woken.policy != SchedPolicy::kOther) return false;
  // The earlier deadline, by enough to be worth a switch.
  return eligible(woken.vruntime, totals(&running)) &&
         since(running.deadline, woken.deadline) > static_cast<int64_t>(kBaseSliceNs / 3);
}

}  // namespace lodge
