#include "vfs/devfs/mem_devices.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/file/file.h"
#include "kernel/file/io_cursor.h"

namespace lodge {
namespace {

// Reading ends at once, writing takes everything; what the others are made from.
class MemFile : public File {
 public:
  MemFile(RefPtr<Inode> inode, uint32_t flags) : File(std::move(inode), flags) {}
  Result<size_t> read(IoCursor&, uint64_t) override { return size_t{0}; }
  Result<size_t> write(IoCursor& from, uint64_t) override {
    size_t n = from.remaining();
    from.advance(n);
    return n;
  }
  // null(4): the position is always 0.
  Result<uint64_t> seek(int64_t, int) override { return position = 0; }
  Result<void> sync(bool) override { return Errno::EINVAL; }
  Inode* map_source() override { return nullptr; }
};

class ZeroFile : public MemFile {
 public:
  using MemFile::MemFile;
  Result<size_t> read(IoCursor& to, uint64_t) override { return to.zero_out(to.remaining()); }
  Inode* map_source() override { return &kernel_part<MemDevices>().zero; }
};

class FullFile final : public ZeroFile {
 public:
  using ZeroFile::ZeroFile;
  Result<size_t> write(IoCursor& from, uint64_t) override {
    if (from.remaining() == 0) return size_t{0};
    return Errno::ENOSPC;
  }
  Inode* map_source() override { return nullptr; }
};

class RandomFile final : public MemFile {
 public:
  using MemFile::MemFile;
  Result<size_t> read(IoCursor& to, uint64_t) override {
    uint8_t chunk[256];
    size_t done = 0;
    while (to.remaining() > 0) {
      size_t n = std::min(to.remaining(), sizeof chunk);
      kernel_part<Random>().fill(chunk, n);
      Result<size_t> r = to.copy_out(chunk, n);
      if (!r.ok()) {
        if (done == 0) return r.error();
        break;
      }
      done += *r;
      if (*r < n) break;
    }
    return done;
  }
  Result<size_t> write(IoCursor& from, uint64_t) override {
    uint8_t chunk[256];
    size_t done = 0;
    while (from.remaining() > 0) {
      Result<size_t> r = from.copy_in(chunk, std::min(from.remaining(), sizeof chunk));
      if (!r.ok()) {
        if (done == 0) return r.error();
        break;
      }
      kernel_part<Random>().mix(chunk, *r);
      done += *r;
    }
    return done;
  }
  bool pollable() const override { return true; }
  // RNDGETENTCNT: as much as the pool of Linux ever holds. Adding entropy is for the host.
  Result<long> ioctl(uint32_t command, uint64_t argument) override {
    constexpr uint32_t kRndgetentcnt = 0x80045200;
    if (command != kRndgetentcnt) return Errno::EINVAL;
    TRY(put_user<int32_t>(argument, 256));
    return 0;
  }
};

// The log, a record per read, "level,seq,usec,-;text" (Documentation/ABI/testing/dev-kmsg).
class KmsgFile final : public File {
 public:
  KmsgFile(RefPtr<Inode> inode, uint32_t flags) : File(std::move(inode), flags) {}
  bool is_stream() const override { return true; }

  Result<size_t> read(IoCursor& to, uint64_t) override {
    char text[LogRing::kMaxText];
    LogRing::Record record;
    LogRing* ring = kernel_log();
    SleepGuard guard(pos_lock);
    LogRing::Cursor next = cursor_;
    // Nothing is written here but by the kernel, which does not wake readers: as if opened non-blocking.
    if (!ring || !ring->read(next, record, text)) return Errno::EAGAIN;
    char line[LogRing::kMaxText + 80];
    Formatter out(line);
    format(out, "{},{},{},-;{}\n", static_cast<unsigned>(record.level), record.seq, record.time_ns / 1000,
           std::string_view(text, record.length));
    if (out.size() > to.remaining()) return Errno::EINVAL;
    size_t n = TRY(to.copy_out(line, out.size()));
    cursor_ = next;
    return n;
  }

  Result<size_t> write(IoCursor& from, uint64_t) override {
    char text[LogRing::kMaxText];
    size_t whole = from.remaining();
    size_t n = TRY(from.copy_in(text, std::min(whole, sizeof text)));
    std::string_view line(text, n);
    if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (LogRing* ring = kernel_log()) ring->write(LogLevel::kNotice, line);
    return whole;
  }

  Result<uint64_t> seek(int64_t offset, int whence) override {
    LogRing* ring = kernel_log();
    if (offset != 0) return Errno::ESPIPE;
    if (whence == abi::kSeekSet)
      cursor_ = {};
    else if (whence == abi::kSeekEnd && ring)
      cursor_ = ring->end();
    else
      return Errno::EINVAL;
    return uint64_t{0};
  }

  PollEvents poll(PollTable*) override {
    LogRing* ring = kernel_log();
    bool news = ring && cursor_.seq < ring->next_seq();
    return kPollOut | kPollWrNorm | (news ? kPollIn | kPollRdNorm : 0u);
  }
  Inode* map_source() override { return nullptr; }

 private:
  LogRing::Cursor cursor_;  // pos_lock
};

Result<Ref<File>> open_mem(Inode& inode, uint64_t rdev, uint32_t flags) {
  RefPtr<Inode> node(&inode);
  switch (static_cast<MemDevice>(abi::dev_minor(rdev))) {
    case MemDevice::kNull:
      return Ref<File>(TRY(make<MemFile>(std::move(node), flags)));
    case MemDevice::kZero:
      return Ref<File>(TRY(make<ZeroFile>(std::move(node), flags)));
    case MemDevice::kFull:
      return Ref<File>(TRY(make<FullFile>(std::move(node), flags)));
    case MemDevice::kRandom:
    case MemDevice::kUrandom:
      return Ref<File>(TRY(make<RandomFile>(std::move(node), flags)));
    case MemDevice::kKmsg:
      return Ref<File>(TRY(make<KmsgFile>(std::move(node), flags)));
  }
  return Errno::ENXIO;
}

}  // namespace

Result<void> register_mem_devices(DeviceRegistry& devices) {
  UniquePtr<MemDevices> state = TRY(make_unique<MemDevices>(kernel_part<AnonFileState>()));
  Kernel::current().set_part(*state.release());
  devices.register_chrdev("mem", kMemMajor, 0, 255, &open_mem);
  return {};
}

}  // namespace lodge
