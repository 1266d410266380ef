// The files on top of pipes: the two that pipe(2) makes, with an inode of their own in pipefs, and those of
// FIFOs.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/file.h"
#include "kernel/ipc/fifo.h"
#include "kernel/ipc/pipe.h"

namespace lodge {

class PipeFile final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kPipe;
  FileKind kind() const override { return kKind; }
  // The ends are counted by the caller (add_ends or open_fifo) and dropped with the file.
  PipeFile(Ref<Inode> inode, Ref<Pipe> pipe, uint32_t flags, uint32_t writers_seen = 0)
      : File(std::move(inode), flags), pipe_(std::move(pipe)), writers_seen_(writers_seen) {}
  ~PipeFile() override { pipe_->drop_ends(ends()); }

  bool is_stream() const override { return true; }
  void describe(Formatter& out) const override;
  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor& from, uint64_t offset) override;
  PollEvents poll(PollTable* table) override { return pipe_->poll(ends(), writers_seen_, table); }
  Result<long> ioctl(uint32_t command, uint64_t argument) override;
  Result<void> sync(bool) override { return Errno::EINVAL; }
  Inode* map_source() override { return nullptr; }
  Pipe& pipe() const { return *pipe_; }

 private:
  unsigned ends() const { return (readable() ? kPipeReadEnd : 0) | (writable() ? kPipeWriteEnd : 0); }
  Pipe::Options options() const {
    return {.nonblocking = nonblocking(), .packets = (flags() & abi::kODirect) != 0};
  }

  Ref<Pipe> pipe_;
  uint32_t writers_seen_;
};

// The state of pipes and FIFOs: the file system that pipe(2)'s inodes belong to, and the table of FIFOs.
struct PipeState {
  static constexpr KernelPart kPart = KernelPart::kPipes;
  AnonSuperblock pipefs{"pipefs", 0x50495045, kPipefsDev};
  FifoTable fifos;
};

struct PipeFiles {
  Ref<File> read_end;
  Ref<File> write_end;
};
// flags: O_NONBLOCK and O_DIRECT, for both.
Result<PipeFiles> make_pipe(uint32_t flags, const Cred& cred);

}  // namespace lodge
