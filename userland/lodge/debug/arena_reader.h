// Reads a VPS's arena out of its file, by the addresses that the kernel uses. Whoever owns that kernel may
// have written anything there, at any moment: every read is checked against the arena's range and copies what
// it reads once; nothing in here follows a pointer by itself. No locks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

namespace lodge {

class ArenaReader {
 public:
  explicit ArenaReader(int fd);  // borrowed
  uint64_t begin() const;
  uint64_t end() const { return begin() + size_; }
  // All of [address, address + n), or false.
  bool read(uint64_t address, void* to, size_t n) const;
  template <typename T>
  std::optional<T> get(uint64_t address) const {
    T value;
    if (!read(address, &value, sizeof value)) return std::nullopt;
    return value;
  }
  // The first address from `address` on that holds data, end() if none does.
  uint64_t next_data(uint64_t address) const;

 private:
  int fd_;
  uint64_t size_;
};

}  // namespace lodge
