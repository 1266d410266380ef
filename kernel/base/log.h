// The kernel's log: a ring of records in the arena, the oldest of which are overwritten (dmesg(1), kmsg).
// Anything may log, with any lock held but this one's: kLog is the last in the order. Readers keep a cursor
// each, and ask again; LogRing::next_seq() says cheaply whether there is news. Records are one line, without
// the newline, and are cut at kMaxText. Before the ring is made, and in unit tests without one, klog() does
// nothing.
//
//   klog(LogLevel::kWarning, "ext4: {}: bad checksum in block {}", name, block);
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/format.h"
#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/base/result.h"

namespace lodge {

enum class LogLevel : uint8_t { kEmergency, kAlert, kCritical, kError, kWarning, kNotice, kInfo, kDebug };

class LogRing {
 public:
  static constexpr KernelPart kPart = KernelPart::kLog;
  static constexpr size_t kMaxText = 240;
  static constexpr unsigned kDefaultOrder = 4;  // 64 KiB

  struct Record {
    uint64_t seq;
    uint64_t time_ns;  // since the ring was made
    LogLevel level;
    uint16_t length;  // of the text
    uint32_t lost;    // records overwritten since the cursor's last
  };
  struct Cursor {  // starts at the oldest record
    uint64_t position = 0;
    uint64_t seq = 0;
  };

  static Result<LogRing*> create(unsigned order = kDefaultOrder);
  LogRing(char* data, size_t size);
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  void write(LogLevel level, std::string_view text) EXCLUDES(lock_);
  // The record at the cursor, which moves on. text.size() >= kMaxText. False: there is none yet.
  bool read(Cursor& cursor, Record& record, std::span<char> text) EXCLUDES(lock_);
  Cursor end() EXCLUDES(lock_);  // behind the newest
  size_t size() const { return size_; }
  // What syslog(2) remembers for everybody: how far was read, and behind what was cleared.
  enum class Mark : uint8_t { kRead, kCleared };
  Cursor mark(Mark which) EXCLUDES(lock_);
  void set_mark(Mark which, Cursor to) EXCLUDES(lock_);
  uint64_t next_seq() const { return next_seq_.load(std::memory_order_acquire); }

 private:
  struct Head {
    uint64_t time_ns;
    uint16_t length;
    LogLevel level;
  };
  void put(uint64_t position, const void* from, size_t n) REQUIRES(lock_);
  void get(uint64_t position, void* to, size_t n) const REQUIRES(lock_);
  void drop_oldest() REQUIRES(lock_);

  Mutex lock_{LockClass::kLog};
  char* const data_;
  const size_t size_;
  const uint64_t start_ns_;
  // Positions only grow; the byte of one is data_[position % size_].
  uint64_t oldest_ GUARDED_BY(lock_) = 0;
  uint64_t newest_end_ GUARDED_BY(lock_) = 0;
  uint64_t oldest_seq_ GUARDED_BY(lock_) = 0;
  Cursor marks_[2] GUARDED_BY(lock_);
  std::atomic<uint64_t> next_seq_{0};
};

// The log of the running kernel; nullptr before it has one.
LogRing* kernel_log();

template <typename... A>
void klog(LogLevel level, FormatString<std::type_identity_t<A>...> text, const A&... args) {
  LogRing* ring = kernel_log();
  if (!ring) return;
  char line[LogRing::kMaxText];
  Formatter out(line);
  format<A...>(out, text, args...);
  ring->write(level, out.view());
}

}  // namespace lodge
