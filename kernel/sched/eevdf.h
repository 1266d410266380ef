// EEVDF (Stoica and Abdel-Wahab 1996; Documentation/scheduler/sched-eevdf.rst): among the eligible, those
// that have had no more than their share, the earliest virtual deadline runs.
//
// The queue is a tree by deadline in which each element knows the least virtual run time below it, so that
// the earliest eligible deadline is found by one descent. The average virtual time, which decides who is
// eligible, is kept as a sum relative to a zero that follows it; eligibility is a comparison of products, no
// division. What a thread had coming (its lag) goes with it when it sleeps or moves, and is restored, bounded
// by two slices, where it queues again; what it had too much it pays back while it sleeps.
//
// Sums: a thread's weight times its distance from the zero is its real time times 1024, at most a few
// slices of each; 64 bits hold that for millions. Products of a distance with the total weight take 128.
#pragma once
#include "kernel/sched/fair_policy.h"

namespace lodge {

class Eevdf final : public FairPolicy {
 public:
  void place(SchedEntity& e, const SchedEntity* running) override;
  void leave(SchedEntity& e, const SchedEntity* running) override;
  void enqueue(SchedEntity& e) override;
  void dequeue(SchedEntity& e) override;
  void charge(SchedEntity& running, uint64_t ns) override;
  void yield(SchedEntity& running) override;
  void reweigh(SchedEntity& e, uint64_t old_weight, const SchedEntity* running) override;
  SchedEntity* pick(const SchedEntity* running) override;
  bool is_better(const SchedEntity& running) override;
  bool should_preempt(const SchedEntity& running, const SchedEntity& woken) override;
  SchedEntity* first() override { return tree_.first(); }
  SchedEntity* next(SchedEntity& e) override { return Tree::next(e); }

 private:
  struct ByDeadline {
    static bool less(const SchedEntity& a, const SchedEntity& b) {
      return static_cast<int64_t>(a.deadline - b.deadline) < 0;
    }
    static void update(SchedEntity& e, const SchedEntity* left, const SchedEntity* right);
  };
  using Tree = RbTree<SchedEntity, ByDeadline>;
  // Of all that compete: weighted distances from zero_, and weights.
  struct Totals {
    int64_t sum, weight;
  };
  Totals totals(const SchedEntity* running) const;
  bool eligible(uint64_t vruntime, const Totals& t) const;
  uint64_t average(const Totals& t) const;
  SchedEntity* earliest_eligible(const Totals& t);
  void follow_average();

  Tree tree_;
  uint64_t zero_ = 0;
  int64_t sum_ = 0, weight_ = 0;  // of the queue alone
};

}  // namespace lodge
