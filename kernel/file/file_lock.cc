#include "kernel/file/file_lock.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/file/file.h"

namespace lodge {
namespace {

bool overlap(const LockRange& a, const LockRange& b) {
  return a.first <= b.last && b.first <= a.last;
}
bool touch(const LockRange& a, const LockRange& b) {
  return overlap(a, b) || (a.last != LockRange::kToEnd && a.last + 1 == b.first) ||
         (b.last != LockRange::kToEnd && b.last + 1 == a.first);
}
bool same_owner(const FileLock& a, const FileLock& b) {
  return a.owner == b.owner && a.kind == b.kind;
}
// flock locks and record locks do not know each other; POSIX and description locks do.
bool same_world(const FileLock& a, const FileLock& b) {
  return (a.kind == LockKind::kFlock) == (b.kind == LockKind::kFlock);
}
constexpr uint32_t kind_bit(LockKind k) {
  return 1u << static_cast<int>(k);
}

}  // namespace

FileLocks::~FileLocks() {
  while (FileLock* l = held_.pop_front()) destroy(l);
}

Result<FileLocks*> FileLocks::of(Inode& inode) {
  FileLocks* locks = inode.file_locks.load(std::memory_order_acquire);
  if (locks) return locks;
  FileLocks* fresh = TRY(make_raw<FileLocks>());
  if (inode.file_locks.compare_exchange_strong(locks, fresh, std::memory_order_acq_rel)) return fresh;
  destroy(fresh);
  return locks;
}

FileLock* FileLocks::conflict_locked(const FileLock& wanted) {
  for (FileLock& l : held_)
    if (same_world(l, wanted) && !same_owner(l, wanted) && overlap(l.range, wanted.range) &&
        (l.type == LockType::kWrite || wanted.type == LockType::kWrite))
      return &l;
  return nullptr;
}

// What the owner holds in the range gives way to `wanted`: pieces outside the range stay, equal neighbours
// are joined. All memory is had before anything changes.
Result<void> FileLocks::apply_locked(const FileLock& wanted) {
  UniquePtr<FileLock> fresh, split;
  if (wanted.type != LockType::kNone) fresh = TRY(make_unique<FileLock>(wanted));
  split = TRY(make_unique<FileLock>(wanted));
  LockRange joined = wanted.range;
  for (FileLock& l : held_) {
    if (!same_owner(l, wanted)) continue;
    if (l.type == wanted.type && touch(l.range, joined)) {
      joined = {std::min(l.range.first, joined.first), std::max(l.range.last, joined.last)};
      held_.remove(l);
      destroy(&l);
      continue;
    }
    if (!overlap(l.range, wanted.range)) continue;
    bool before = l.range.first<wanted.range.first, after = l.range.last> wanted.range.last;
    if (before && after) {
      split->type = l.type;
      split->pid = l.pid;
      split->range = {wanted.range.last + 1, l.range.last};
      l.range.last = wanted.range.first - 1;
      held_.push_back(*split.release());
      break;  // nothing else of the owner can overlap
    }
    if (before) {
      l.range.last = wanted.range.first - 1;
    } else if (after) {
      l.range.first = wanted.range.last + 1;
    } else {
      held_.remove(l);
      destroy(&l);
    }
  }
  if (fresh) {
    fresh->range = joined;
    held_.push_back(*fresh.release());
  }
  return {};
}

// Follows who waits for whom among the POSIX owners of this file. (Linux looks across files; see
// docs/CAVEATS.md.)
bool FileLocks::would_deadlock_locked(const FileLock& wanted) {
  if (wanted.kind != LockKind::kPosix) return false;
  FileLock* l = conflict_locked(wanted);
  const void* at = l ? l->owner : nullptr;
  for (int steps = 0; at && steps < 32; steps++) {
    if (at == wanted.owner) return true;
    const void* next = nullptr;
    for (Blocked& b : blocked_)
      if (b.owner == at) next = b.waits_for;
    at = next;
  }
  return false;
}

Result<void> set_file_lock(Inode& inode, const FileLock& wanted, LockWait wait) {
  if (wanted.type == LockType::kNone && !inode.file_locks.load(std::memory_order_acquire)) return {};
  FileLocks* locks = TRY(FileLocks::of(inode));
  Result<void> result;
  FileLocks::Blocked blocked;
  blocked.owner = wanted.owner;
  // True once there is an answer, in `result`.
  auto attempt = [&]() -> bool {
    MutexLock lock(locks->lock_);
    if (blocked.linked()) locks->blocked_.remove(blocked);
    FileLock* other = wanted.type == LockType::kNone ? nullptr : locks->conflict_locked(wanted);
    if (!other) {
      result = locks->apply_locked(wanted);
      return true;
    }
    if (wait == LockWait::kNo || locks->would_deadlock_locked(wanted)) {
      result = wait == LockWait::kNo ? Errno::EAGAIN : Errno::EDEADLK;
      return true;
    }
    blocked.waits_for = other->owner;
    locks->blocked_.push_back(blocked);
    return false;
  };
  // flock(2) converts by giving up the old lock first.
  if (wanted.kind == LockKind::kFlock && wanted.type != LockType::kNone) {
    MutexLock lock(locks->lock_);
    FileLock unlock = wanted;
    unlock.type = LockType::kNone;
    if (locks->conflict_locked(wanted)) TRY(locks->apply_locked(unlock));
  }
  if (wait_event(locks->changed_, attempt) == WaitOutcome::kInterrupted) {
    MutexLock lock(locks->lock_);
    if (blocked.linked()) locks->blocked_.remove(blocked);
    return current().interrupted(Restart::kSys);
  }
  if (result.ok()) locks->changed_.wake_all();
  return result;
}

FileLock find_conflict(Inode& inode, const FileLock& wanted) {
  FileLock found;
  FileLocks* locks = inode.file_locks.load(std::memory_order_acquire);
  if (!locks) return found;
  MutexLock lock(locks->lock_);
  if (FileLock* l = locks->conflict_locked(wanted)) {
    found.type = l->type;
    found.range = l->range;
    found.pid = l->pid;
    found.kind = l->kind;
  }
  return found;
}

bool FileLocks::remove_owner(const void* owner, uint32_t kinds) {
  bool any = false;
  MutexLock lock(lock_);
  for (FileLock& l : held_) {
    if (l.owner != owner || !(kinds & kind_bit(l.kind))) continue;
    held_.remove(l);
    destroy(&l);
    any = true;
  }
  return any;
}

void release_owner(Inode& inode, const void* owner, uint32_t kinds) {
  FileLocks* locks = inode.file_locks.load(std::memory_order_acquire);
  if (locks && locks->remove_owner(owner, kinds)) locks->changed_.wake_all();
}

void release_file_locks(Inode& inode, const File* file) {
  release_owner(inode, file, kind_bit(LockKind::kOfd) | kind_bit(LockKind::kFlock));
}

void release_posix_locks(File& file, const FdTable* table) {
  if (file.inode()) release_owner(*file.inode(), table, kind_bit(LockKind::kPosix));
}

}  // namespace lodge
