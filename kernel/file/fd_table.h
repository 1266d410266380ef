// FdTable: the file descriptors of a task, shared by clone(CLONE_FILES).
//
// Lookup is FdTable::get(), which yields a FileGuard as Linux's fdget does: while one task alone uses the
// table, nobody can close a descriptor under that task's system call, so the file is borrowed without lock or
// count. Other tasks (/proc/PID/fd) must use get_counted(). A borrowed File must not outlive the call, nor be
// kept across a clone.
//
// New descriptors are reserved first (FdReservation), so that a call can fail until its last step: the number
// is taken, but the slot answers EBADF until install().
//
// Lock: kFdTable for every change and for readers of a shared table. Files are let go after it.
// Linux: fs/file.c, open(2), dup(2), close_range(2).
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/slab.h"
#include "kernel/file/file.h"

namespace lodge {

enum class FdCloexec : uint8_t { kNo, kYes };
constexpr FdCloexec cloexec_if(bool set) {
  return set ? FdCloexec::kYes : FdCloexec::kNo;
}

// A file during one system call: borrowed, or counted.
class [[nodiscard]] FileGuard {
 public:
  FileGuard(File& f, bool counted) : file_(&f), counted_(counted) {}
  FileGuard(FileGuard&& o) : file_(o.file_), counted_(std::exchange(o.counted_, false)) {}
  FileGuard(const FileGuard&) = delete;
  FileGuard& operator=(const FileGuard&) = delete;
  ~FileGuard() {
    if (counted_) file_->unref();
  }
  File* operator->() const { return file_; }
  File& operator*() const { return *file_; }
  Ref<File> ref() const { return Ref<File>(*file_); }  // to keep beyond the call

 private:
  File* file_;
  bool counted_;
};

class FdTable;

// A descriptor number that is taken but not yet visible; given back unless installed.
class [[nodiscard]] FdReservation {
 public:
  FdReservation(FdTable& t, int fd) : table_(&t), fd_(fd) {}
  FdReservation(FdReservation&& o) : table_(std::exchange(o.table_, nullptr)), fd_(o.fd_) {}
  FdReservation(const FdReservation&) = delete;
  FdReservation& operator=(const FdReservation&) = delete;
  ~FdReservation();
  int fd() const { return fd_; }
  int install(Ref<File> file);  // cannot fail; returns the number

 private:
  FdTable* table_;
  int fd_;
};

class FdTable : public RefCounted<FdTable> {
 public:
  static constexpr SlabId kSlab = SlabId::kFdTable;
  static constexpr uint32_t kInlineFds = 64;
  static constexpr uint32_t kMaxFds = 1 << 18;  // fs.nr_open

  FdTable() = default;
  ~FdTable();  // closes what is left

  // For fork and unshare: a table of its own with the same files (those below `limit_fd`).
  Result<Ref<FdTable>> copy(uint32_t limit_fd = kMaxFds);
  void on_last_ref();

  // EBADF as well for O_PATH files; get_path_ok() lets those through.
  Result<FileGuard> get(int fd) {
    FileGuard g = TRY(get_path_ok(fd));
    if (g->flags() & abi::kOPath) [[unlikely]]
      return Errno::EBADF;
    return g;
  }
  Result<FileGuard> get_path_ok(int fd) {
    if (ref_count() != 1) [[unlikely]]
      return get_shared(fd);
    auto n = static_cast<uint32_t>(fd);
    if (n >= capacity_ || !files_[n]) [[unlikely]]
      return Errno::EBADF;
    return FileGuard(*files_[n], false);
  }
  Result<Ref<File>> get_counted(int fd);  // also from other tasks

  // The lowest free number from `from` on; EMFILE at `limit` (RLIMIT_NOFILE), EINVAL if `from` is beyond it.
  Result<FdReservation> reserve(uint64_t limit, FdCloexec cloexec, uint32_t from = 0);
  Result<void> close(int fd);
  // dup2/dup3: makes `fd` refer to `file`, closing what it was. EBUSY while another thread has it reserved.
  Result<int> replace(int fd, Ref<File> file, uint64_t limit, FdCloexec cloexec);
  void close_range(uint32_t first, uint32_t last);
  void set_cloexec_range(uint32_t first, uint32_t last);
  void close_on_exec();

  Result<bool> cloexec(int fd);
  Result<void> set_cloexec(int fd, FdCloexec);
  // The first open descriptor at or after `fd`, or -1.
  int next_open(uint32_t fd);

 private:
  friend class FdReservation;
  Result<FileGuard> get_shared(int fd);
  Result<void> grow_locked(uint32_t needed) REQUIRES(lock_);
  uint32_t lowest_free_locked(uint32_t from) const REQUIRES(lock_);
  uint32_t last_used_locked() const REQUIRES(lock_);
  File* take_locked(uint32_t fd) REQUIRES(lock_);  // frees the number
  void let_go(File* file);                         // what close does once the number is free
  void install(int fd, Ref<File> file, FdReservation* from);
  template <typename Wanted>
  void close_where(uint32_t first, uint32_t last, Wanted wanted);

  Mutex lock_{LockClass::kFdTable};
  uint32_t capacity_ = kInlineFds;  // multiple of 64
  // A number is taken if its bit in open_ is set; reserved if it is taken and files_ is null.
  File** files_ = inline_files_;
  uint64_t* open_ = inline_bits_;
  uint64_t* cloexec_ = inline_bits_ + 1;
  uint32_t first_free_ = 0;  // no free number below
  uint64_t inline_bits_[2] = {};
  File* inline_files_[kInlineFds] = {};
};

}  // namespace lodge
