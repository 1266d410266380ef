// struct iovec of Linux (readv(2)).
#pragma once
#include <cstdint>

namespace lodge::abi {

struct Iovec {
  uint64_t base;
  uint64_t length;
};
constexpr int kIovMax = 1024;                 // UIO_MAXIOV
constexpr uint64_t kMaxRwCount = 0x7ffff000;  // most that one call transfers

}  // namespace lodge::abi
