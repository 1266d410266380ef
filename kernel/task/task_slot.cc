#include "kernel/task/task_slot.h"

#include "kernel/base/arena.h"
#include "kernel/host/slot.h"
#include "kernel/mailbox/kernel_side.h"

namespace lodge {
namespace {

constexpr unsigned kSlotOrder = 4;  // 64 KiB in pages
static_assert(kSlotSize == (kPageSize << kSlotOrder));

void release_locked(TaskSlots& s, void* memory, uint32_t id) {
  HostThread& h = host_state().threads[id];
  h.tid.store(0, std::memory_order_relaxed);
  h.tgid.store(0, std::memory_order_relaxed);
  s.used[id / 64] &= ~(uint64_t{1} << (id % 64));
  s.in_use--;
  Arena::current().free_pages(memory);
}

void drop_dying_locked(TaskSlots& s, uint32_t i) {
  TaskSlots::Dying d = s.dying[i];
  s.dying[i] = s.dying[--s.dying_count];
  release_locked(s, d.slot, d.id);
}

void collect_locked(TaskSlots& s) {
  for (mailbox::ReapedEntry r; take_reaped(r);) {
    for (uint32_t i = 0; i < s.dying_count;)
      if (s.dying[i].tgid == r.tgid)
        drop_dying_locked(s, i);
      else
        i++;
    if (r.status != 0) s.killed[s.killed_count++ % TaskSlots::kMaxKilled] = {r.tgid, r.status};
  }
  for (uint32_t i = 0; i < s.dying_count;)
    if (host_state().threads[s.dying[i].id].tid.load(std::memory_order_acquire) == 0)
      drop_dying_locked(s, i);
    else
      i++;
}

}  // namespace

Result<void> init_task_slots() {
  TaskSlots* s = TRY(make_raw<TaskSlots>());
  s->used = static_cast<uint64_t*>(arena_alloc(kMaxSlots / 8));
  s->dying = static_cast<TaskSlots::Dying*>(arena_alloc(kMaxSlots * sizeof(TaskSlots::Dying)));
  if (!s->used || !s->dying) return Errno::ENOMEM;
  __builtin_memset(s->used, 0, kMaxSlots / 8);
  Kernel::current().set_part(*s);
  return {};
}

Result<NewSlot> alloc_slot() {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  if (s.dying_count > 0) collect_locked(s);
  if (s.in_use >= s.limit) return Errno::EAGAIN;
  for (uint32_t w = 0; w < kMaxSlots / 64; w++) {
    if (s.used[w] == ~uint64_t{0}) continue;
    void* memory = Arena::current().alloc_pages(kSlotOrder, Heat::kHot);
    if (!memory) return Errno::ENOMEM;
    uint32_t bit = __builtin_ctzll(~s.used[w]);
    s.used[w] |= uint64_t{1} << bit;
    s.in_use++;
    return NewSlot{memory, w * 64 + bit};
  }
  return Errno::EAGAIN;
}

void free_unused_slot(void* memory, uint32_t id) {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  release_locked(s, memory, id);
}

void retire_slot(void* memory, uint32_t id) {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  s.dying[s.dying_count++] = {memory, id, host_state().threads[id].tgid.load(std::memory_order_relaxed)};
}

std::optional<HostDeath> next_killed_process() {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  collect_locked(s);
  if (s.killed_taken == s.killed_count) return std::nullopt;
  return s.killed[s.killed_taken++ % TaskSlots::kMaxKilled];
}

}  // namespace lodge
