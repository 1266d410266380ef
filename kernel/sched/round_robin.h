// The plain alternative to EEVDF: turns of one slice, first come first served, whatever the weights. An
// entity's deadline is its place in the line; vruntime counts what it has used of its turn.
#pragma once
#include "kernel/sched/fair_policy.h"

namespace lodge {

class RoundRobin final : public FairPolicy {
 public:
  void place(SchedEntity& e, const SchedEntity*) override { next_turn(e); }
  void leave(SchedEntity& e, const SchedEntity*) override { e.lag = 0; }
  void enqueue(SchedEntity& e) override { line_.insert(e); }
  void dequeue(SchedEntity& e) override { line_.erase(e); }
  void charge(SchedEntity& running, uint64_t ns) override {
    running.vruntime += ns;
    if (running.vruntime >= kBaseSliceNs) next_turn(running);
  }
  void yield(SchedEntity& running) override { next_turn(running); }
  void reweigh(SchedEntity&, uint64_t, const SchedEntity*) override {}
  SchedEntity* pick(const SchedEntity*) override { return line_.first(); }
  bool is_better(const SchedEntity& running) override {
    SchedEntity* e = line_.first();
    return e && e->deadline < running.deadline;
  }
  bool should_preempt(const SchedEntity&, const SchedEntity&) override { return false; }
  SchedEntity* first() override { return line_.first(); }
  SchedEntity* next(SchedEntity& e) override { return Line::next(e); }

 private:
  struct ByTurn {
    static bool less(const SchedEntity& a, const SchedEntity& b) { return a.deadline < b.deadline; }
  };
  using Line = RbTree<SchedEntity, ByTurn>;
  void next_turn(SchedEntity& e) {
    e.deadline = ++turns_;
    e.vruntime = 0;
  }
  Line line_;
  uint64_t turns_ = 0;
};

}  // namespace lodge
