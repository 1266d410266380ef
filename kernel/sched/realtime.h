// The queue of FIFO and RR threads: by priority, then in line (sched(7)).
#pragma once
#include "kernel/sched/entity.h"

namespace lodge {

class RealtimeQueue {
 public:
  enum class End : uint8_t { kHead, kTail };
  void enqueue(SchedEntity& e, End end) {
    e.order = end == End::kTail ? ++last_ : --first_;
    tree_.insert(e);
  }
  void dequeue(SchedEntity& e) { tree_.erase(e); }
  SchedEntity* first() { return tree_.first(); }
  SchedEntity* next(SchedEntity& e) { return Tree::next(e); }

 private:
  struct InLine {
    static bool less(const SchedEntity& a, const SchedEntity& b) {
      return a.rt_priority != b.rt_priority ? a.rt_priority > b.rt_priority : a.order < b.order;
    }
  };
  using Tree = RbTree<SchedEntity, InLine>;
  Tree tree_;
  uint64_t first_ = uint64_t{1} << 63, last_ = first_;
};

}  // namespace lodge
