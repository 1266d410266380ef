#include "kernel/base/log.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/arena.h"
#include "kernel/base/string.h"
#include "kernel/host/host.h"

namespace lodge {

Result<LogRing*> LogRing::create(unsigned order) {
  void* data = Arena::current().alloc_pages(order);
  if (!data) return Errno::ENOMEM;
  auto ring = make_raw<LogRing>(static_cast<char*>(data), kPageSize << order);
  if (!ring.ok()) arena_free(data);
  return ring;
}

LogRing::LogRing(char* data, size_t size) : data_(data), size_(size), start_ns_(host::monotonic_ns()) {}

LogRing::~LogRing() {
  arena_free(data_);
}

void LogRing::put(uint64_t position, const void* from, size_t n) {
  size_t at = position % size_, first = std::min(n, size_ - at);
  std::memcpy(data_ + at, from, first);
  std::memcpy(data_, static_cast<const char*>(from) + first, n - first);
}

void LogRing::get(uint64_t position, void* to, size_t n) const {
  size_t at = position % size_, first = std::min(n, size_ - at);
  std::memcpy(to, data_ + at, first);
  std::memcpy(static_cast<char*>(to) + first, data_, n - first);
}

void LogRing::drop_oldest() {
  Head head;
  get(oldest_, &head, sizeof(head));
  oldest_ += sizeof(head) + head.length;
  oldest_seq_++;
}

void LogRing::write(LogLevel level, std::string_view text) {
  text = substr(text, 0, kMaxText);
  Head head{host::monotonic_ns() - start_ns_, static_cast<uint16_t>(text.size()), level};
  size_t size = sizeof(head) + text.size();
  MutexLock lock(lock_);
  while (newest_end_ + size - oldest_ > size_) drop_oldest();
  put(newest_end_, &head, sizeof(head));
  put(newest_end_ + sizeof(head), text.data(), text.size());
  newest_end_ += size;
  next_seq_.store(next_seq_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

bool LogRing::read(Cursor& cursor, Record& record, std::span<char> text) {
  ASSERT(text.size() >= kMaxText);
  MutexLock lock(lock_);
  record.lost = 0;
  if (cursor.seq < oldest_seq_) {
    record.lost = static_cast<uint32_t>(oldest_seq_ - cursor.seq);
    cursor = {oldest_, oldest_seq_};
  }
  if (cursor.seq == next_seq_.load(std::memory_order_relaxed)) return false;
  Head head;
  get(cursor.position, &head, sizeof(head));
  get(cursor.position + sizeof(head), text.data(), head.length);
  record.seq = cursor.seq;
  record.time_ns = head.time_ns;
  record.level = head.level;
  record.length = head.length;
  cursor.position += sizeof(head) + head.length;
  cursor.seq++;
  return true;
}

LogRing::Cursor LogRing::end() {
  MutexLock lock(lock_);
  return {newest_end_, next_seq_.load(std::memory_order_relaxed)};
}

LogRing::Cursor LogRing::mark(Mark which) {
  MutexLock lock(lock_);
  return marks_[static_cast<int>(which)];
}

void LogRing::set_mark(Mark which, Cursor to) {
  MutexLock lock(lock_);
  marks_[static_cast<int>(which)] = to;
}

LogRing* kernel_log() {
  Kernel* kernel = Arena::current().kernel();
  return kernel && kernel->has_part<LogRing>() ? &kernel->part<LogRing>() : nullptr;
}

}  // namespace lodge
