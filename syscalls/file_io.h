// What the reading and writing calls have in common: the position, RLIMIT_FSIZE, access times, set-user-ID
// bits, and copies from file to file.
#pragma once
#include <optional>

#include "kernel/file/file.h"

namespace lodge {

class Task;

// Serializes users of a file's position, if there can be others than this task's one descriptor.
class PositionLock {
 public:
  explicit PositionLock(File& f) : file_(f.ref_count() != 1 ? &f : nullptr) {
    if (file_) file_->pos_lock.lock();
  }
  ~PositionLock() {
    if (file_) file_->pos_lock.unlock();
  }
  PositionLock(const PositionLock&) = delete;
  PositionLock& operator=(const PositionLock&) = delete;

 private:
  File* file_;
};

// At the position, which moves. The caller has checked the access mode.
Result<size_t> read_here(File& f, IoCursor& to);
Result<size_t> write_here(Task& task, File& f, IoCursor& from);
// At an offset; ESPIPE for streams.
Result<size_t> read_at(File& f, IoCursor& to, uint64_t offset);
Result<size_t> write_at(Task& task, File& f, IoCursor& from, uint64_t offset);
enum class MovePosition : bool { kNo, kYes };
Result<size_t> append_to(Task& task, File& f, IoCursor& from, MovePosition move);

struct CopyEnd {
  File& file;
  std::optional<uint64_t> offset = {};  // none: the file's position
};
// Through a buffer of the kernel. Moves both ends by what was copied.
Result<size_t> copy_between(Task& task, CopyEnd& from, CopyEnd& to, uint64_t count);

}  // namespace lodge
