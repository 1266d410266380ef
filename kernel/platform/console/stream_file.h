// The standard streams of a VPS without a terminal, as files: bytes go through a ring of the mailbox, with
// end of file and closed readers passed on both ways. fstat shows a FIFO, which is how such streams behave.
//
// The inode is the stream: opened anew (/dev/stdin, /proc/self/fd/0) it gives another file of the same, and
// the stream ends when the last of them is closed.
//
// Locks: StreamInode::turn (sleeping) serializes readers, and writers, of one stream.
#pragma once
#include "kernel/file/anon_inode.h"
#include "kernel/file/file.h"
#include "kernel/mailbox/kernel_side.h"

namespace lodge {

class StreamInode final : public AnonInode {
 public:
  enum class Direction : uint8_t { kRead, kWrite };
  StreamInode(AnonSuperblock& sb, mailbox::ByteRing& bytes, Direction way);
  bool opens_itself() const override { return true; }
  Result<Ref<File>> open(uint32_t flags) override;  // EACCES in the other direction

  void file_closed();
  mailbox::ByteRing& ring;
  SleepMutex turn;

 private:
  const Direction direction_;
  std::atomic<uint32_t> files_{0};
};

class StreamFile final : public File {
 public:
  StreamFile(Ref<StreamInode> inode, uint32_t flags)
      : File(inode, flags), stream_(*inode), ring_(stream_.ring) {}
  ~StreamFile() override { stream_.file_closed(); }
  void describe(Formatter& out) const override;
  bool is_stream() const override { return true; }
  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor& from, uint64_t offset) override;
  Result<uint64_t> seek(int64_t, int) override { return Errno::ESPIPE; }
  PollEvents poll(PollTable* table) override;
  Result<long> ioctl(uint32_t command, uint64_t argument) override;
  Inode* map_source() override { return nullptr; }

 private:
  StreamInode& stream_;  // the inode, which the file keeps
  mailbox::ByteRing& ring_;
};

// The stream `ring` as an open file, read or written as flags say.
Result<Ref<File>> open_stream(mailbox::ByteRing& ring, uint32_t flags);

}  // namespace lodge
