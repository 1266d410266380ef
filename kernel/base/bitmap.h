// A fixed set of small numbers 0 … N-1. For large sets whose smallest element is wanted often, see
// bit_tree.h.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lodge {

template <size_t N>
class Bitmap {
 public:
  static constexpr size_t kNone = ~size_t{0};
  static constexpr size_t kWords = (N + 63) / 64;

  bool test(size_t i) const { return words_[i / 64] >> (i % 64) & 1; }
  void set(size_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  void clear(size_t i) { words_[i / 64] &= ~(uint64_t{1} << (i % 64)); }
  void clear_all() { *this = Bitmap(); }

  size_t count() const {
    size_t n = 0;
    for (uint64_t w : words_) n += static_cast<size_t>(std::popcount(w));
    return n;
  }
  bool empty() const { return find_set() == kNone; }
  // The smallest element (or smallest number that is none) at or above `from`, or kNone.
  size_t find_set(size_t from = 0) const { return find<false>(from); }
  size_t find_clear(size_t from = 0) const { return find<true>(from); }

 private:
  template <bool kInverted>
  size_t find(size_t from) const {
    for (size_t i = from / 64; i < kWords; i++) {
      uint64_t w = kInverted ? ~words_[i] : words_[i];
      if (i == from / 64) w &= ~uint64_t{0} << (from % 64);
      if (w == 0) continue;
      size_t found = i * 64 + static_cast<size_t>(std::countr_zero(w));
      return found < N ? found : kNone;
    }
    return kNone;
  }
  uint64_t words_[kWords] = {};
};

}  // namespace lodge
