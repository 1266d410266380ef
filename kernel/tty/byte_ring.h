// A ring of bytes in the arena, for what waits between the two sides of a pty. Lock: its owner's.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernel/base/arena.h"
#include "kernel/base/layout.h"

namespace lodge {

class ByteRing {
 public:
  explicit ByteRing(unsigned order) : size_(static_cast<uint32_t>(kPageSize) << order), order_(order) {}
  ~ByteRing() { arena_free(data_); }
  ByteRing(const ByteRing&) = delete;
  // Before anything else.
  Result<void> allocate() {
    data_ = static_cast<char*>(Arena::current().alloc_pages(order_));
    if (!data_) return Errno::ENOMEM;
    return {};
  }

  size_t bytes() const { return head_ - tail_; }
  size_t room() const { return size_ - bytes(); }
  void clear() { tail_ = head_; }
  void keep_first(size_t n) { head_ = tail_ + static_cast<uint32_t>(std::min(n, bytes())); }

  // Takes what fits; returns how much.
  size_t push(const char* from, size_t n) {
    n = std::min(n, room());
    size_t first = std::min<size_t>(n, size_ - head_ % size_);
    std::memcpy(data_ + head_ % size_, from, first);
    std::memcpy(data_, from + first, n - first);
    head_ += static_cast<uint32_t>(n);
    return n;
  }
  // What lies contiguous at the front; pop() takes it away.
  std::span<const char> front() const {
    return {data_ + tail_ % size_, std::min<size_t>(bytes(), size_ - tail_ % size_)};
  }
  void pop(size_t n) { tail_ += static_cast<uint32_t>(n); }
  size_t pull(char* to, size_t n) {
    size_t done = 0;
    while (done < n && bytes() != 0) {
      std::span<const char> piece = front().first(std::min(front().size(), n - done));
      std::memcpy(to + done, piece.data(), piece.size());
      pop(piece.size());
      done += piece.size();
    }
    return done;
  }

 private:
  char* data_ = nullptr;
  const uint32_t size_;
  const unsigned order_;
  uint32_t head_ = 0, tail_ = 0;
};

}  // namespace lodge
