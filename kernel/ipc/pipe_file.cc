#include "kernel/ipc/pipe_file.h"

#include "kernel/abi/ioctl.h"
#include "kernel/base/format.h"
#include "kernel/file/cred.h"
#include "kernel/host/user_copy.h"

namespace lodge {
namespace {

// The inode of a pipe that pipe(2) made. Opening it anew (/proc/self/fd/N) gives a further end of the same
// pipe.
class PipeInode final : public AnonInode {
 public:
  PipeInode(Superblock& sb, uint64_t ino, Owner owner, Ref<Pipe> pipe)
      : AnonInode(sb, ino, abi::kTypeFifo | 0600, owner), pipe_(std::move(pipe)) {}

  bool opens_itself() const override { return true; }
  Result<Ref<File>> open(uint32_t flags) override {
    uint32_t mode = flags & abi::kOAccMode;
    unsigned ends = mode == abi::kORdonly   ? kPipeReadEnd
                    : mode == abi::kOWronly ? kPipeWriteEnd
                                            : kPipeReadEnd | kPipeWriteEnd;
    pipe_->add_ends(ends);
    auto file = make<PipeFile>(Ref<Inode>(*this), pipe_, flags);
    if (!file.ok()) {
      pipe_->drop_ends(ends);
      return file.error();
    }
    return Ref<File>(file.take());
  }

 private:
  Ref<Pipe> pipe_;
};

}  // namespace

void PipeFile::describe(Formatter& out) const {
  out.put("pipe:[").put(inode_->ino()).put("]");
}

Result<size_t> PipeFile::read(IoCursor& to, uint64_t) {
  return pipe_->read(to, options());
}

Result<size_t> PipeFile::write(IoCursor& from, uint64_t) {
  return pipe_->write(from, options());
}

Result<long> PipeFile::ioctl(uint32_t command, uint64_t argument) {
  if (command != abi::kFionread) return Errno::ENOTTY;
  TRY(put_user<int32_t>(argument, static_cast<int32_t>(pipe_->readable_bytes())));
  return 0;
}

Result<PipeFiles> make_pipe(uint32_t flags, const Cred& cred) {
  auto& state = kernel_part<PipeState>();
  Ref<Pipe> pipe = TRY(make<Pipe>(nullptr));
  Ref<Inode> inode =
      TRY(make<PipeInode>(state.pipefs, state.pipefs.next_ino(), Inode::Owner{cred.fsuid, cred.fsgid}, pipe));
  Ref<File> read_end = TRY(inode->open(abi::kORdonly | flags));
  Ref<File> write_end = TRY(inode->open(abi::kOWronly | flags));
  return PipeFiles{std::move(read_end), std::move(write_end)};
}

}  // namespace lodge
