// TtyFile: an open terminal: a pty's slave, or the console.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/file/file.h"
#include "kernel/tty/tty.h"

namespace lodge {

class TtyFile final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kTty;
  FileKind kind() const override { return kKind; }
  // kImmune: /dev/console, which a hang-up does not close.
  enum class Hangup : uint8_t { kCloses, kImmune };
  // The tty has been opened for it.
  TtyFile(Ref<Inode> inode, Ref<Tty> tty, uint32_t flags, uint32_t epoch, Hangup hangup)
      : File(std::move(inode), flags), tty_(std::move(tty)), epoch_(epoch), hangup_(hangup) {}
  ~TtyFile() override { tty_->close(); }

  bool is_stream() const override { return true; }
  void describe(Formatter& out) const override;
  Result<size_t> read(IoCursor& to, uint64_t) override { return tty_->read(to, use()); }
  Result<size_t> write(IoCursor& from, uint64_t) override { return tty_->write(from, use()); }
  PollEvents poll(PollTable* table) override { return tty_->poll(use().epoch, table); }
  Result<long> ioctl(uint32_t command, uint64_t argument) override;
  Inode* map_source() override { return nullptr; }
  Tty& tty() const { return *tty_; }

 private:
  Tty::Use use() const {
    uint32_t epoch = hangup_ == Hangup::kImmune ? tty_->epoch() : epoch_;
    return {epoch, nonblocking()};
  }

  Ref<Tty> tty_;
  const uint32_t epoch_;
  const Hangup hangup_;
};

// What open(2) of a terminal does once it is found.
enum class Acquire : uint8_t { kNever, kUnlessNoctty };
Result<Ref<File>> open_tty(Inode& inode, Tty& tty, uint32_t flags, Acquire acquire,
                           TtyFile::Hangup hangup = TtyFile::Hangup::kCloses);

// The terminals of a VPS: the console, and who opens 5:0 (/dev/tty), 5:1 (/dev/console), 5:2 (/dev/ptmx), 4:0
// and 4:1.
struct TtyState {
  static constexpr KernelPart kPart = KernelPart::kTtys;
  RefPtr<Tty> console;
  RefPtr<Superblock> devpts;  // the instance that mounts share (vfs/devpts)
};
// At boot, once TtyState and DeviceRegistry are there. ptmx is registered by vfs/devpts.
void register_ttys();

}  // namespace lodge
