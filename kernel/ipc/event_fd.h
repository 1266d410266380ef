// eventfd(2): a counter that is waited for.
#pragma once
#include <atomic>

#include "kernel/file/file.h"

namespace lodge {

class EventFd final : public File {
 public:
  static constexpr FileKind kKind = FileKind::kEventFd;
  enum class Mode : uint8_t { kCounter, kSemaphore };
  // flags: O_NONBLOCK.
  static Result<Ref<File>> create(uint32_t initial, Mode mode, uint32_t flags);
  EventFd(Ref<Inode> inode, uint64_t initial, Mode mode, uint32_t flags)
      : File(std::move(inode), flags), count_(initial), mode_(mode) {}

  FileKind kind() const override { return kKind; }
  bool is_stream() const override { return true; }
  Result<uint64_t> seek(int64_t, int) override { return 0; }  // lseek(2) works and means nothing
  void describe(Formatter& out) const override;
  void show_info(Formatter& out) override;
  Result<size_t> read(IoCursor& to, uint64_t) override;
  Result<size_t> write(IoCursor& from, uint64_t) override;
  PollEvents poll(PollTable* table) override;
  Inode* map_source() override { return nullptr; }

 private:
  static constexpr uint64_t kMax = ~0ull - 1;
  bool add(uint64_t n);  // false: it would go beyond kMax
  uint64_t take();       // 0: there was nothing

  std::atomic<uint64_t> count_;
  const Mode mode_;
  WaitQueue queue_;
};

}  // namespace lodge
