#include "kernel/host/thread_map.h"

#include "kernel/host/host_state.h"
#include "kernel/host/memory.h"
#include "kernel/host/process.h"
#include "kernel/host/raw.h"
#include "kernel/host/slot.h"

namespace lodge::host {
namespace {

ThreadMap& thread_map() {
  return *reinterpret_cast<ThreadMap*>(kThreadMapBase);
}

// As in gate.S.
size_t first_of_pair(uint64_t fs_base) {
  uint32_t hash = static_cast<uint32_t>(fs_base) * 0x9e3779b1;
  return (hash >> 18 & 0x3ff0) / sizeof(ThreadMap::Entry);
}

// Whether the entry's thread may still run, here or, after a fork, elsewhere.
bool in_use(const ThreadMap::Entry& e) {
  uint64_t slot = e.slot.load(std::memory_order_relaxed);
  if (slot == 0) return false;
  auto* head = reinterpret_cast<const SlotHead*>(slot);
  return head->self == slot && head->fs_base == e.fs_base.load(std::memory_order_relaxed);
}

void enter(SlotHead& slot, uint64_t fs_base) {
  ThreadMap& map = thread_map();
  size_t at = first_of_pair(fs_base);
  ThreadMap::Entry* pair[] = {&map.entries[at], &map.entries[at ^ 1]};
  MutexLock guard(host_state().bases_lock);
  ThreadMap::Entry* place = nullptr;
  for (ThreadMap::Entry* e : pair)
    if (e->fs_base.load(std::memory_order_relaxed) == fs_base) place = e;
  for (ThreadMap::Entry* e : pair)
    if (!place && !in_use(*e)) place = e;
  if (!place) return;
  place->slot.store(reinterpret_cast<uint64_t>(&slot), std::memory_order_relaxed);
  place->fs_base.store(fs_base, std::memory_order_release);
}

bool points_to_itself(uint64_t fs_base) {
  uint64_t word;
  return user_load64_raw(reinterpret_cast<const void*>(fs_base), &word) == 0 && word == fs_base;
}

}  // namespace

Result<void> map_thread_map() {
  constexpr int kRead = 1, kWrite = 2;
  return map_anonymous(kThreadMapBase, (sizeof(ThreadMap) + kPageSize - 1) & ~(kPageSize - 1), kRead | kWrite,
                       false);
}

void note_fs_base(SlotHead& slot, uint64_t fs_base) {
  std::atomic<uint32_t>& mode = thread_map().mode;
  uint32_t now = mode.load(std::memory_order_relaxed);
  if (fs_base == 0) {
    if (now != ThreadMap::kNobody) mode.store(ThreadMap::kNobody, std::memory_order_relaxed);
    return;
  }
  if (now == ThreadMap::kShared) return;
  if (now != ThreadMap::kByGs && points_to_itself(fs_base)) {
    enter(slot, fs_base);
    if (now != ThreadMap::kByFs) mode.store(ThreadMap::kByFs, std::memory_order_release);
  } else if (now == ThreadMap::kByFs) {
    mode.store(ThreadMap::kShared, std::memory_order_relaxed);  // what it has at fs:0 may be another's
  } else {
    write_gs_base(reinterpret_cast<uint64_t>(&slot));
    mode.store(ThreadMap::kByGs, std::memory_order_release);
  }
}

void note_shared_fs_base() {
  thread_map().mode.store(ThreadMap::kShared, std::memory_order_seq_cst);
}

}  // namespace lodge::host
