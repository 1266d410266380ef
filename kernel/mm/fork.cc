// The vmas of a forked child. The host's clone copies the pages; between begin_fork() and end_fork() nothing
// changes in the parent, so the copied vmas say what the child's host process will have.
#include "kernel/mm/mm.h"

namespace lodge {

Result<Ref<Mm>> Mm::begin_fork() {
  map_lock_.lock();
  refresh_patches();
  auto child = copy_for_child();
  if (!child.ok()) map_lock_.unlock();
  return child;
}

void Mm::end_fork() {
  map_lock_.unlock();
}

Result<Ref<Mm>> Mm::copy_for_child() {
  Ref<Mm> child = TRY(create(system_, random_state_, limits));
  child->stack_top_ = stack_top_;
  child->map_top_ = map_top_;
  child->anchor_ = anchor_;
  child->heap_start_ = heap_start_;
  child->arg_start = arg_start, child->arg_end = arg_end;
  child->env_start = env_start, child->env_end = env_end;
  child->auxv_start = auxv_start, child->auxv_end = auxv_end;
  child->heap_end_ = heap_end_;
  child->membarriers.store(membarriers.load(std::memory_order_relaxed), std::memory_order_relaxed);
  random(kPageSize);  // or the child draws the same places as its parent
  uint64_t charge = charged_;
  for (Vma* v = tree_.first(); v; v = v->above)
    if (v->has(kVmaDontFork) && v->has(kVmaCharged)) charge -= v->pages();
  TRY(system_.account.charge_copy(charge));
  auto copied = copy_vmas(*child);
  if (!copied.ok()) {
    system_.account.uncharge(charge - child->charged_);  // the rest goes with the child
    return copied.error();
  }
  child->counters_.peak = child->counters_.total;
  return child;
}

// Nobody else knows the child, so its lock is not needed.
Result<void> Mm::copy_vmas(Mm& child) {
  for (Vma* v = tree_.first(); v; v = v->above) {
    if (v->has(kVmaDontFork)) continue;
    Vma& copy = *TRY(child.new_vma());
    copy_attributes(copy, *v);
    copy.start = v->start;
    copy.end = v->end;
    copy.flags &= ~kVmaLocked;  // mlock(2): not inherited
    if (copy.vma_inode) copy.vma_inode->add_mapping(copy);
    child.tree_.append(copy);
    child.count(copy, static_cast<int64_t>(copy.pages()));
  }
  return {};
}

}  // namespace lodge
