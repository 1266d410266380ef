// File: an open file description. fds (FdTable) refer to it, it refers to an inode and a path.
//
// on_fd_close runs once for each fd that goes (POSIX locks, flush); on_last_ref when nobody refers to it any
// more; the destructor frees. They mean different things. Locks: pos_lock (sleeping, outermost) serializes
// calls that use the position when the description is shared.
#pragma once
#include <string_view>

#include "kernel/abi/fcntl.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/file/inode.h"
#include "kernel/file/path.h"
#include "kernel/file/poll.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge {

class IoCursor;
class Formatter;

class File;
class FileWatch;  // kernel/file/file_watch.h: the epoll items that watch a file

// The part of a File that comes before its on_last_ref(): a file leaves the epoll sets that watch it
// (epoll(7), Q6).
class FileRefs : public RefCounted<FileRefs> {
 public:
  void on_last_ref();
  std::atomic<FileWatch*> watch{nullptr};
};

enum class FileKind : uint8_t {
  kOther,
  kPipe,
  kEpoll,
  kEventFd,
  kTimerFd,
  kSignalFd,
  kTty,
  kPtyMaster,
  kPidFd
};

class File : public FileRefs {
 public:
  File(RefPtr<Inode> inode, uint32_t flags) : inode_(std::move(inode)), flags_(flags) {}
  virtual ~File();
  virtual void on_last_ref() { destroy(this); }
  virtual void on_fd_close() {}

  Inode* inode() const { return inode_.get(); }
  const Path& path() const { return path_; }
  void set_path(Path p) { path_ = std::move(p); }  // once, before the file is shared
  // For files without a path: "pipe:[7]", "anon_inode:[eventfd]".
  virtual void describe(Formatter& out) const;

  uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }  // O_*, access mode included
  void set_flags(uint32_t f) { flags_.store(f, std::memory_order_relaxed); }
  // Access mode 3 allows neither (ioctl only, open(2)).
  bool readable() const { return ((flags() + 1) & 1) && !(flags() & abi::kOPath); }
  bool writable() const { return ((flags() + 1) & 2) && !(flags() & abi::kOPath); }
  bool nonblocking() const { return (flags() & abi::kONonblock) != 0; }

  // Streams (pipes, ttys, sockets, eventfds) have no position: `offset` is ignored and positional calls are
  // ESPIPE.
  virtual bool is_stream() const { return false; }
  // Whether readiness means anything: epoll_ctl(2) refuses the others (EPERM). Files and directories are
  // always ready.
  virtual bool pollable() const { return is_stream(); }
  virtual Result<size_t> read(IoCursor& to, uint64_t offset);     // default: the inode's
  virtual Result<size_t> write(IoCursor& from, uint64_t offset);  // default: the inode's, O_APPEND honoured
  virtual Result<uint64_t> seek(int64_t offset, int whence);      // moves and returns `position`
  virtual Result<void> read_dir(DirSink& sink);                   // from `position` on, moves it
  // Events that hold now; registers with the queues that tell of changes if `table` is given.
  virtual PollEvents poll(PollTable* table);
  virtual Result<long> ioctl(uint32_t command, uint64_t argument);  // ENOTTY
  virtual Result<void> sync(bool data_only);
  // For calls that work on one kind of file only: a kind says `static constexpr FileKind kKind` and answers
  // with it here; file_cast finds out.
  virtual FileKind kind() const { return FileKind::kOther; }
  // Further lines of /proc/PID/fdinfo/N (proc_pid_fdinfo(5)).
  virtual void show_info(Formatter& out) {}
  // What an mmap of this file maps; null: ENODEV. (A device like /dev/zero maps anonymous zeros by
  // map_extent.)
  virtual Inode* map_source() { return inode_.get(); }

  // Its inode and superblock count it as a writer, until it goes.
  void set_counts_as_writer() { counts_as_writer_ = true; }
  // It is executed: its inode may not be written, nor opened for that (ETXTBSY, execve(2)), until it goes or
  // allows it again. ETXTBSY while somebody has it open for writing. By who has just opened it, or holds it
  // alone.
  Result<void> deny_writing();
  void allow_writing();

  int32_t async_owner = 0;  // F_SETOWN: a process or thread, or a group negated
  bool async_owner_is_thread = false;
  int32_t async_signal = 0;  // F_SETSIG

  SleepMutex pos_lock;
  uint64_t position = 0;

 protected:
  RefPtr<Inode> inode_;
  Path path_;
  std::atomic<uint32_t> flags_;
  bool counts_as_writer_ = false;
  bool denies_writing_ = false;
};

// Takes a file that nobody refers to any more out of the epoll sets that watch it (file_watch.cc).
void leave_epoll_sets(FileRefs& file);

inline void FileRefs::on_last_ref() {
  if (watch.load(std::memory_order_acquire)) [[unlikely]]
    leave_epoll_sets(*this);
  static_cast<File*>(this)->on_last_ref();
}

// The file as a T, or null if it is none.
template <typename T>
T* file_cast(File& file) {
  return file.kind() == T::kKind ? static_cast<T*>(&file) : nullptr;
}

}  // namespace lodge
