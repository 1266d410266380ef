// signalfd(2): pending signals, read as a file. Whose signals: those of whoever reads or polls.
// Lock: lock_ (kPipe) for the list of processes whose arrivals were waited for.
#pragma once
#include <atomic>

#include "kernel/base/mutex.h"
#include "kernel/base/vector.h"
#include "kernel/file/file.h"
#include "kernel/ipc/signal_source.h"

namespace lodge {

class SignalFd final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kSignalFd;
  static Result<Ref<File>> create(abi::SigSet mask, uint32_t flags);
  SignalFd(Ref<Inode> inode, abi::SigSet mask, uint32_t flags)
      : File(std::move(inode), flags), mask_(mask.bits) {}
  ~SignalFd() override;
  void set_mask(abi::SigSet mask) { mask_.store(mask.bits); }

  FileKind kind() const override { return kKind; }
  bool is_stream() const override { return true; }
  Result<uint64_t> seek(int64_t, int) override { return 0; }  // lseek(2) works and means nothing
  void describe(Formatter& out) const override;
  void show_info(Formatter& out) override;
  Result<size_t> read(IoCursor& to, uint64_t) override;
  PollEvents poll(PollTable* table) override;
  Inode* map_source() override { return nullptr; }

 private:
  abi::SigSet mask() const { return {mask_.load()}; }
  // The calling process's queue, kept as long as this file is: an epoll set may have a waiter in it.
  Result<WaitQueue*> arrivals();

  std::atomic<uint64_t> mask_;
  Mutex lock_{LockClass::kPipe};
  Vector<SignalArrivals> watched_ GUARDED_BY(lock_);
};

}  // namespace lodge
