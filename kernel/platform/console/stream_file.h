// The standard streams of a VPS without a terminal, as files: bytes go through a ring of the mailbox, with
// end of file and closed readers passed on both ways. fstat shows a FIFO, which is how such streams behave.
//
// Locks: turn_ (sleeping) serializes readers, and writers, of one stream.
#pragma once
#include "kernel/file/file.h"
#include "kernel/mailbox/kernel_side.h"

namespace lodge {

class StreamFile final : public File {
 public:
  StreamFile(RefPtr<Inode> inode, mailbox::ByteRing& ring, uint32_t flags)
      : File(std::move(inode), flags), ring_(ring) {}
  ~StreamFile() override;
  void describe(Formatter& out) const override;
  bool is_stream() const override { return true; }
  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor& from, uint64_t offset) override;
  Result<uint64_t> seek(int64_t, int) override { return Errno::ESPIPE; }
  PollEvents poll(PollTable* table) override;
  Result<long> ioctl(uint32_t command, uint64_t argument) override;
  Inode* map_source() override { return nullptr; }

 private:
  mailbox::ByteRing& ring_;
  SleepMutex turn_;
};

// The stream `ring` as an open file, read or written as flags say.
Result<Ref<File>> open_stream(mailbox::ByteRing& ring, uint32_t flags);

}  // namespace lodge
