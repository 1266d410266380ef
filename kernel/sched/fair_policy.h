// How a virtual CPU is shared among OTHER, BATCH and IDLE threads. Each virtual CPU has every policy; the one
// in use can be changed while the VPS runs (sched_use_policy, sched.h).
//
// `running` is the fair thread that has the virtual CPU meanwhile, or null: it is in no queue, but competes.
// Lock: the caller holds that of the virtual CPU.
#pragma once
#include "kernel/sched/entity.h"

namespace lodge {

enum class FairKind : uint8_t { kEevdf, kRoundRobin };

class FairPolicy {
 public:
  // e comes from sleep, or from another queue: says where it stands among those that compete here.
  virtual void place(SchedEntity& e, const SchedEntity* running) = 0;
  // e goes to sleep, or to another queue. It may be the running one.
  virtual void leave(SchedEntity& e, const SchedEntity* running) = 0;
  virtual void enqueue(SchedEntity& e) = 0;
  virtual void dequeue(SchedEntity& e) = 0;
  virtual void charge(SchedEntity& running, uint64_t ns) = 0;
  // The running one gives up the rest of its turn.
  virtual void yield(SchedEntity& running) = 0;
  // The weight of e, running or in no queue, was `old_weight`.
  virtual void reweigh(SchedEntity& e, uint64_t old_weight, const SchedEntity* running) = 0;

  // Who of the queue runs next, if not `running`; null if it is empty.
  virtual SchedEntity* pick(const SchedEntity* running) = 0;
  // Whether somebody in the queue should run in place of `running`, who is in the middle of its turn.
  virtual bool is_better(const SchedEntity& running) = 0;
  // The same of `woken`, who was just put into the queue.
  virtual bool should_preempt(const SchedEntity& running, const SchedEntity& woken) = 0;

  // All of the queue, in some order.
  virtual SchedEntity* first() = 0;
  virtual SchedEntity* next(SchedEntity& e) = 0;

 protected:
  ~FairPolicy() = default;
};

}  // namespace lodge
