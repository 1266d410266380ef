#include "kernel/file/fd_table.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/arena.h"
#include "kernel/file/file_lock.h"

namespace lodge {
namespace {

constexpr uint64_t bit(uint32_t fd) {
  return uint64_t{1} << (fd & 63);
}

}  // namespace

FdReservation::~FdReservation() {
  if (!table_) return;
  MutexLock lock(table_->lock_);
  table_->take_locked(static_cast<uint32_t>(fd_));
}

int FdReservation::install(Ref<File> file) {
  FdTable* table = std::exchange(table_, nullptr);
  MutexLock lock(table->lock_);
  table->files_[fd_] = file.leak();
  return fd_;
}

FdTable::~FdTable() {
  if (files_ != inline_files_) {
    arena_free(files_);
    arena_free(open_);
  }
}

void FdTable::on_last_ref() {
  close_range(0, kMaxFds);
  destroy(this);
}

Result<Ref<FdTable>> FdTable::copy(uint32_t limit_fd) {
  Ref<FdTable> t = TRY(make<FdTable>());
  MutexLock lock(lock_);
  uint32_t end = std::min(last_used_locked(), limit_fd);
  // Nobody knows the new table yet, so taking its lock inside ours cannot deadlock.
  t->lock_.lock(LockMode::kNested);
  Result<void> grown = t->grow_locked(end);
  if (grown.ok()) {
    for (uint32_t fd = 0; fd < end; fd++) {
      File* f = files_[fd];
      if (!f) continue;  // reserved numbers of other threads are free in the copy
      f->ref();
      t->files_[fd] = f;
      t->open_[fd / 64] |= bit(fd);
      t->cloexec_[fd / 64] |= cloexec_[fd / 64] & bit(fd);
    }
  }
  t->lock_.unlock();
  if (!grown.ok()) return grown.error();
  return t;
}

Result<FileGuard> FdTable::get_shared(int fd) {
  Ref<File> f = TRY(get_counted(fd));
  return FileGuard(*f.leak(), true);
}

Result<Ref<File>> FdTable::get_counted(int fd) {
  MutexLock lock(lock_);
  auto n = static_cast<uint32_t>(fd);
  if (n >= capacity_ || !files_[n]) return Errno::EBADF;
  return Ref<File>(*files_[n]);
}

Result<void> FdTable::grow_locked(uint32_t needed) {
  if (needed <= capacity_) return {};
  uint32_t capacity = capacity_;
  while (capacity < needed) capacity *= 2;
  auto* files = static_cast<File**>(arena_alloc(capacity * sizeof(File*)));
  auto* bits = static_cast<uint64_t*>(arena_alloc(capacity / 64 * 2 * sizeof(uint64_t)));
  if (!files || !bits) {
    arena_free(files);
    arena_free(bits);
    return Errno::ENOMEM;
  }
  uint64_t* cloexec = bits + capacity / 64;
  std::memset(bits, 0, capacity / 64 * 2 * sizeof(uint64_t));
  std::memcpy(files, files_, capacity_ * sizeof(File*));
  std::memset(files + capacity_, 0, (capacity - capacity_) * sizeof(File*));
  std::memcpy(bits, open_, capacity_ / 8);
  std::memcpy(cloexec, cloexec_, capacity_ / 8);
  if (files_ != inline_files_) {
    arena_free(files_);
    arena_free(open_);
  }
  files_ = files;
  open_ = bits;
  cloexec_ = cloexec;
  capacity_ = capacity;
  return {};
}

uint32_t FdTable::lowest_free_locked(uint32_t from) const {
  for (uint32_t word = from / 64; word < capacity_ / 64; word++) {
    uint64_t used = open_[word];
    if (word == from / 64) used |= bit(from) - 1;
    if (~used) return word * 64 + static_cast<uint32_t>(__builtin_ctzll(~used));
  }
  return std::max(capacity_, from);
}

uint32_t FdTable::last_used_locked() const {
  for (uint32_t word = capacity_ / 64; word-- > 0;)
    if (open_[word]) return word * 64 + 64 - static_cast<uint32_t>(__builtin_clzll(open_[word]));
  return 0;
}

Result<FdReservation> FdTable::reserve(uint64_t limit, FdCloexec cloexec, uint32_t from) {
  limit = std::min<uint64_t>(limit, kMaxFds);
  if (from >= limit) return from == 0 ? Errno::EMFILE : Errno::EINVAL;
  MutexLock lock(lock_);
  uint32_t fd = lowest_free_locked(std::max(from, first_free_));
  if (fd >= limit) return Errno::EMFILE;
  TRY(grow_locked(fd + 1));
  open_[fd / 64] |= bit(fd);
  if (cloexec == FdCloexec::kYes)
    cloexec_[fd / 64] |= bit(fd);
  else
    cloexec_[fd / 64] &= ~bit(fd);
  if (fd == first_free_) first_free_ = fd + 1;
  return FdReservation(*this, static_cast<int>(fd));
}

File* FdTable::take_locked(uint32_t fd) {
  open_[fd / 64] &= ~bit(fd);
  first_free_ = std::min(first_free_, fd);
  return std::exchange(files_[fd], nullptr);
}

void FdTable::let_go(File* file) {
  release_posix_locks(*file, this);
  file->on_fd_close();
  file->unref();
}

Result<void> FdTable::close(int fd) {
  auto n = static_cast<uint32_t>(fd);
  File* f;
  {
    MutexLock lock(lock_);
    if (n >= capacity_ || !files_[n]) return Errno::EBADF;
    f = take_locked(n);
  }
  let_go(f);
  return {};
}

Result<int> FdTable::replace(int fd, Ref<File> file, uint64_t limit, FdCloexec cloexec) {
  auto n = static_cast<uint32_t>(fd);
  if (n >= std::min<uint64_t>(limit, kMaxFds)) return Errno::EBADF;
  File* old;
  {
    MutexLock lock(lock_);
    TRY(grow_locked(n + 1));
    if ((open_[n / 64] & bit(n)) && !files_[n]) return Errno::EBUSY;
    old = std::exchange(files_[n], file.leak());
    open_[n / 64] |= bit(n);
    if (cloexec == FdCloexec::kYes)
      cloexec_[n / 64] |= bit(n);
    else
      cloexec_[n / 64] &= ~bit(n);
  }
  if (old) let_go(old);
  return fd;
}

// Closing may sleep and other threads may open meanwhile: the lock is taken anew for each number.
template <typename Wanted>
void FdTable::close_where(uint32_t first, uint32_t last, Wanted wanted) {
  for (uint32_t fd = first;; fd++) {
    File* f = nullptr;
    {
      MutexLock lock(lock_);
      for (; fd < capacity_ && fd <= last; fd++) {
        if (fd % 64 == 0 && open_[fd / 64] == 0) {
          fd += 63;
          continue;
        }
        if (files_[fd] && wanted(fd)) break;
      }
      if (fd >= capacity_ || fd > last) return;
      f = take_locked(fd);
    }
    let_go(f);
  }
}

void FdTable::close_range(uint32_t first, uint32_t last) {
  close_where(first, last, [](uint32_t) { return true; });
}

void FdTable::close_on_exec() {
  close_where(0, kMaxFds, [this](uint32_t fd) { return (cloexec_[fd / 64] & bit(fd)) != 0; });
}

void FdTable::set_cloexec_range(uint32_t first, uint32_t last) {
  MutexLock lock(lock_);
  for (uint32_t fd = first; fd < capacity_ && fd <= last; fd++)
    if (files_[fd]) cloexec_[fd / 64] |= bit(fd);
}

Result<bool> FdTable::cloexec(int fd) {
  MutexLock lock(lock_);
  auto n = static_cast<uint32_t>(fd);
  if (n >= capacity_ || !files_[n]) return Errno::EBADF;
  return (cloexec_[n / 64] & bit(n)) != 0;
}

Result<void> FdTable::set_cloexec(int fd, FdCloexec cloexec) {
  MutexLock lock(lock_);
  auto n = static_cast<uint32_t>(fd);
  if (n >= capacity_ || !files_[n]) return Errno::EBADF;
  if (cloexec == FdCloexec::kYes)
    cloexec_[n / 64] |= bit(n);
  else
    cloexec_[n / 64] &= ~bit(n);
  return {};
}

int FdTable::next_open(uint32_t fd) {
  MutexLock lock(lock_);
  for (; fd < capacity_; fd++)
    if (files_[fd]) return static_cast<int>(fd);
  return -1;
}

}  // namespace lodge
