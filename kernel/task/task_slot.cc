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

template <typename Gone>
void drop_dying_locked(TaskSlots& s, Gone gone) {
  for (auto i = s.dying.begin(); i != s.dying.end();) {
    TaskSlots::Dying& d = *i;
    ++i;
    if (!gone(d)) continue;
    s.dying.remove(d);
    release_locked(s, d.slot(), d.id);
  }
}

void collect_locked(TaskSlots& s) {
  for (mailbox::ReapedEntry r; take_reaped(r);) {
    drop_dying_locked(s, [&](const TaskSlots::Dying& d) { return d.tgid == r.tgid; });
    if (r.status != 0) s.killed[s.killed_count++ % TaskSlots::kMaxKilled] = {r.tgid, r.status};
  }
  drop_dying_locked(s, [](const TaskSlots::Dying& d) {
    return host_state().threads[d.id].tid.load(std::memory_order_acquire) == 0;
  });
}

}  // namespace

Result<void> init_task_slots() {
  TaskSlots* s = TRY(make_raw<TaskSlots>());
  s->used = static_cast<uint64_t*>(arena_alloc(kMaxSlots / 8, Heat::kHot));
  if (!s->used) return Errno::ENOMEM;
  __builtin_memset(s->used, 0, kMaxSlots / 8);
  Kernel::current().set_part(*s);
  return {};
}

Result<NewSlot> alloc_slot() {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  if (!s.dying.empty()) collect_locked(s);
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
  auto* place = static_cast<uint8_t*>(memory) + kSlotXsave;
  s.dying.push_back(*new (place)
                        TaskSlots::Dying(id, host_state().threads[id].tgid.load(std::memory_order_relaxed)));
}

std::optional<HostDeath> next_killed_process() {
  TaskSlots& s = kernel_part<TaskSlots>();
  MutexLock guard(s.lock);
  collect_locked(s);
  if (s.killed_taken == s.killed_count) return std::nullopt;
  return s.killed[s.killed_taken++ % TaskSlots::kMaxKilled];
}

}  // namespace lodge
