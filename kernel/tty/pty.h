// Pty: a pseudoterminal (pty(7)). The slave is a Tty whose driver is the master's side: what is written to
// the slave waits in to_master_ for the master's reader; what is written to the master goes to the slave's
// line discipline, and waits in to_slave_ when that is full.
//
// Lock: the slave's (Tty::lock), for both sides. Sizes are those of Linux: 8 KiB in each direction besides
// the line discipline's 4 KiB (to_master_ holds what Linux keeps in the master's own line discipline, too).
#pragma once
#include "kernel/file/file.h"
#include "kernel/tty/byte_ring.h"
#include "kernel/tty/tty.h"

namespace lodge {

class Pty;

// Who makes ptys and gives them names: the devpts file system. Kept by its ptys.
class PtyOwner {
 public:
  virtual void keep() = 0;
  virtual void let_go() = 0;
  virtual void master_closed(Pty& pty) = 0;                           // its name goes
  virtual void gone(uint32_t index) = 0;                              // its number is free again
  virtual Result<Ref<File>> open_peer(Pty& pty, uint32_t flags) = 0;  // TIOCGPTPEER

 protected:
  ~PtyOwner() = default;
};

class Pty final : public Tty, private TtyDriver {
 public:
  static constexpr uint32_t kSlaveMajor = 136;
  // Takes the number over: gone() is called for it, also after a failure. The slave is locked at first
  // (TIOCSPTLCK), and so cannot be opened; the master is open from the start.
  static Result<Ref<Pty>> create(uint32_t index, PtyOwner& owner);
  Pty(uint32_t index, PtyOwner& owner);
  ~Pty() override;

  PtyOwner& owner() const { return owner_; }
  uint32_t index() const { return index_; }
  std::string_view name(std::span<char> to) const override;
  Result<Ref<File>> open_slave(Inode& inode, uint32_t flags);  // EIO: locked, or the master is gone

  // The master's side.
  Result<size_t> master_read(IoCursor& to, bool nonblocking);
  Result<size_t> master_write(IoCursor& from, bool nonblocking);
  PollEvents master_poll(PollTable* table);
  Result<long> master_ioctl(uint32_t command, UserAddr argument);
  void close_master();

 private:
  // TtyDriver, called with the lock held.
  size_t room() override { return to_master_.room(); }
  void write(const char* bytes, size_t n) override;
  size_t unsent() override { return 0; }  // Linux tells of none either
  void discard_unsent() override;
  void input_wanted() override;
  void status_changed(uint8_t packet_bits) override;
  void opened() override { slave_closed_ = false; }
  void last_closed() override;

  size_t pull(char* to, size_t n) REQUIRES(lock());
  bool master_can_read();
  bool master_can_write();
  Result<long> flush_master(uint64_t which);

  const uint32_t index_;
  PtyOwner& owner_;
  ByteRing to_master_ GUARDED_BY(lock()){2};
  ByteRing to_slave_ GUARDED_BY(lock()){1};
  bool locked_ GUARDED_BY(lock()) = true;
  bool master_open_ GUARDED_BY(lock()) = true;
  bool slave_closed_ GUARDED_BY(lock()) = false;  // it was open once, and nobody has it open now
  bool packet_mode_ GUARDED_BY(lock()) = false;
  uint8_t packet_status_ GUARDED_BY(lock()) = 0;  // to be told to the master's reader
  SleepMutex master_reading_;                     // one copies at a time
  WaitQueue master_readable_;
  WaitQueue master_writable_;
};

// The file that opening ptmx gives.
class PtyMasterFile final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kPtyMaster;
  PtyMasterFile(Ref<Inode> inode, Ref<Pty> pty, uint32_t flags)
      : File(std::move(inode), flags), pty_(std::move(pty)) {}
  ~PtyMasterFile() override;

  FileKind kind() const override { return kKind; }
  bool is_stream() const override { return true; }
  Result<size_t> read(IoCursor& to, uint64_t) override { return pty_->master_read(to, nonblocking()); }
  Result<size_t> write(IoCursor& from, uint64_t) override { return pty_->master_write(from, nonblocking()); }
  PollEvents poll(PollTable* table) override { return pty_->master_poll(table); }
  Result<long> ioctl(uint32_t command, uint64_t argument) override;
  Inode* map_source() override { return nullptr; }

 private:
  Ref<Pty> pty_;
};

}  // namespace lodge
