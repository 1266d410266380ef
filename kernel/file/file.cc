// What an open file does when its type does not say otherwise: what its inode does.
#include "kernel/file/file.h"

#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "kernel/file/file_lock.h"
#include "kernel/file/io_cursor.h"

namespace lodge {

File::~File() {
  if (counts_as_writer_) {
    inode_->write_count.fetch_sub(1, std::memory_order_acq_rel);
    inode_->sb().writers.fetch_sub(1, std::memory_order_acq_rel);
  }
  allow_writing();
  if (inode_) release_file_locks(*inode_, this);
  inode_.reset();  // before the path: with that, the last mount of the file system may go, and the file
                   // system too
}

Result<void> File::deny_writing() {
  std::atomic<int32_t>& count = inode_->write_count;
  int32_t n = count.load(std::memory_order_relaxed);
  do {
    if (n > 0) return Errno::ETXTBSY;
  } while (!count.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel));
  denies_writing_ = true;
  return {};
}

void File::allow_writing() {
  if (std::exchange(denies_writing_, false)) inode_->write_count.fetch_add(1, std::memory_order_acq_rel);
}

void File::describe(Formatter& out) const {
  out.put("anon_inode:[file]");
}

Result<size_t> File::read(IoCursor& to, uint64_t offset) {
  if (!inode_) return Errno::EINVAL;
  return inode_->read(to, offset);
}

Result<size_t> File::write(IoCursor& from, uint64_t offset) {
  if (!inode_) return Errno::EINVAL;
  return inode_->write(from, offset, (flags() & abi::kOAppend) != 0);
}

Result<uint64_t> File::seek(int64_t offset, int whence) {
  if (whence < abi::kSeekSet || whence > abi::kSeekHole) return Errno::EINVAL;
  if (is_stream()) return Errno::ESPIPE;
  int64_t target;
  switch (whence) {
    case abi::kSeekSet:
      target = offset;
      break;
    case abi::kSeekCur:
      if (__builtin_add_overflow(static_cast<int64_t>(position), offset, &target)) return Errno::EINVAL;
      break;
    case abi::kSeekEnd:
      if (!inode_) return Errno::EINVAL;
      if (__builtin_add_overflow(static_cast<int64_t>(inode_->size()), offset, &target)) return Errno::EINVAL;
      break;
    case abi::kSeekData:
    case abi::kSeekHole:
      if (!inode_ || !inode_->is_regular()) return Errno::EINVAL;
      if (offset < 0) return Errno::ENXIO;
      target = static_cast<int64_t>(
          TRY(inode_->seek_data_hole(static_cast<uint64_t>(offset), whence == abi::kSeekHole)));
      break;
    default:
      return Errno::EINVAL;
  }
  if (target < 0) return Errno::EINVAL;
  position = static_cast<uint64_t>(target);
  return position;
}

namespace {

// Passes entries on, and notes where the next call has to go on.
class PositionSink final : public DirSink {
 public:
  PositionSink(DirSink& next, uint64_t& position) : next_(next), position_(position) {}
  bool add(std::string_view name, uint64_t ino, uint8_t dt_type, uint64_t next_offset) override {
    if (!next_.add(name, ino, dt_type, next_offset)) return false;
    position_ = next_offset;
    return true;
  }

 private:
  DirSink& next_;
  uint64_t& position_;
};

}  // namespace

Result<void> File::read_dir(DirSink& sink) {
  if (!inode_ || !inode_->is_dir()) return Errno::ENOTDIR;
  SleepSharedGuard guard(inode_->dir_lock);
  if (inode_->removed()) return Errno::ENOENT;
  PositionSink follow(sink, position);
  return inode_->read_dir(position, follow);
}

PollEvents File::poll(PollTable*) {
  return kPollIn | kPollOut | kPollRdNorm | kPollWrNorm;
}

Result<long> File::ioctl(uint32_t, uint64_t) {
  return Errno::ENOTTY;
}

Result<void> File::sync(bool data_only) {
  if (!inode_ || !(inode_->is_regular() || inode_->is_dir())) return Errno::EINVAL;
  return inode_->sync(data_only);
}

}  // namespace lodge
