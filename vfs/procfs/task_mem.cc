// /proc/PID/mem: the memory of a process at its own addresses (proc(5)). Unlike on Linux, what is mapped
// read-only is not written either.
#include "kernel/base/arena.h"
#include "kernel/file/io_cursor.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

constexpr size_t kPiece = 2048;  // copied at once, through the kernel's stack

// Keeps the memory that the process had when the file was opened.
class MemoryFile final : public File {
 public:
  MemoryFile(Ref<Inode> inode, Ref<Mm> mm, uint32_t generation, uint32_t flags)
      : File(std::move(inode), flags), mm_(std::move(mm)), generation_(generation) {}
  Inode* map_source() override { return nullptr; }

  Result<size_t> read(IoCursor& to, uint64_t offset) override {
    return in_pieces(to.remaining(), [&](size_t done, size_t n) -> Result<size_t> {
      char piece[kPiece];
      size_t got = TRY(mm_->copy_remote(Mm::Direction::kRead, generation_, offset + done, {piece, n}));
      return to.copy_out(piece, got);
    });
  }
  Result<size_t> write(IoCursor& from, uint64_t offset) override {
    return in_pieces(from.remaining(), [&](size_t done, size_t n) -> Result<size_t> {
      char piece[kPiece];
      size_t got = TRY(from.copy_in(piece, n));
      return mm_->copy_remote(Mm::Direction::kWrite, generation_, offset + done, {piece, got});
    });
  }
  // Addresses are positions, also those that would be negative.
  Result<uint64_t> seek(int64_t offset, int whence) override {
    if (whence != abi::kSeekSet && whence != abi::kSeekCur) return Errno::EINVAL;
    position = (whence == abi::kSeekCur ? position : 0) + static_cast<uint64_t>(offset);
    return position;
  }

 private:
  template <typename Move>
  Result<size_t> in_pieces(size_t length, Move move) {
    size_t done = 0;
    while (done < length) {
      size_t n = length - done < kPiece ? length - done : kPiece;
      Result<size_t> moved = move(done, n);
      if (!moved.ok()) return done ? Result<size_t>(done) : moved;
      done += *moved;
      if (*moved < n) break;
    }
    return done;
  }

  Ref<Mm> mm_;
  const uint32_t generation_;
};

class TaskMemory final : public OfTask<PseudoInode> {
 public:
  using OfTask::OfTask;
  Result<void> truncate(uint64_t) override { return {}; }
  Result<Ref<File>> open(uint32_t flags) override {
    TaskParts parts = TRY(inspect(key_));
    if (!parts.mm) return Errno::ESRCH;
    return Ref<File>(TRY(make<MemoryFile>(Ref<Inode>(*this), Ref<Mm>(*parts.mm), parts.generation, flags)));
  }
};

}  // namespace

Result<Ref<Inode>> make_memory_file(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                    const TaskKey& key) {
  return Ref<Inode>(TRY(make<TaskMemory>(sb, pseudo_ino(dir_ino, node.name), node.mode, key)));
}

}  // namespace lodge
