// Advisory locks: POSIX record locks (fcntl F_SETLK, owner: a task's FdTable), open file description locks
// (F_OFD_SETLK) and flock(2) (owner of both: the File). An inode that has ever been locked carries a
// FileLocks.
//
// Locks: kFile of the FileLocks. Waiting is on its queue, interruptible.
// Linux: fs/locks.c, fcntl(2), flock(2).
#pragma once
#include <cstdint>

#include "kernel/base/list.h"
#include "kernel/base/mutex.h"
#include "kernel/base/result.h"
#include "kernel/sched/wait.h"

namespace lodge {

class File;
class FdTable;
class Inode;

enum class LockKind : uint8_t { kPosix, kOfd, kFlock };
enum class LockType : uint8_t { kRead, kWrite, kNone };

struct LockRange {  // the last byte counts; kToEnd for "to the end of the file"
  static constexpr uint64_t kToEnd = ~0ull >> 1;
  uint64_t first = 0;
  uint64_t last = kToEnd;
};

struct FileLock : ListNode<> {
  const void* owner = nullptr;
  LockKind kind = LockKind::kPosix;
  LockType type = LockType::kNone;
  LockRange range;
  int32_t pid = 0;  // for F_GETLK; -1 for locks of descriptions
};

enum class LockWait : uint8_t { kNo, kYes };

// Sets, changes or (type kNone) removes a lock. EAGAIN if it conflicts and must not wait, EINTR, EDEADLK,
// ENOLCK.
Result<void> set_file_lock(Inode& inode, const FileLock& wanted, LockWait wait);
// The first lock that `wanted` conflicts with; type kNone if there is none.
FileLock find_conflict(Inode& inode, const FileLock& wanted);

// A description goes: its OFD and flock locks go too.
void release_file_locks(Inode& inode, const File* file);
// A descriptor of `table` is closed: POSIX locks that the table holds on the file go too (fcntl(2)).
void release_posix_locks(File& file, const FdTable* table);

class FileLocks {
 public:
  ~FileLocks();

 private:
  friend Result<void> set_file_lock(Inode&, const FileLock&, LockWait);
  friend FileLock find_conflict(Inode&, const FileLock&);
  friend void release_owner(Inode&, const void*, uint32_t);
  static Result<FileLocks*> of(Inode& inode);
  FileLock* conflict_locked(const FileLock& wanted) REQUIRES(lock_);
  Result<void> apply_locked(const FileLock& wanted) REQUIRES(lock_);
  bool would_deadlock_locked(const FileLock& wanted) REQUIRES(lock_);
  bool remove_owner(const void* owner, uint32_t kinds);

  struct Blocked : ListNode<> {  // an owner that waits for another, for finding circles
    const void* owner;
    const void* waits_for;
  };

  Mutex lock_{LockClass::kFile};
  List<FileLock> held_;
  List<Blocked> blocked_;
  WaitQueue changed_;
};

}  // namespace lodge
