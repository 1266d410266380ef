// A set of numbers 0 … n-1 that finds its smallest element in a few steps: a bitmap with summary bitmaps
// above it, a bit of which says that a word below is not zero. The words are the caller's memory (zeroed).
// Not locked.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lodge {

class BitTree {
 public:
  static constexpr size_t kNone = ~size_t{0};
  static constexpr int kMaxLevels = 4;  // 64^4 = 16 Mi elements

  static constexpr size_t words_needed(size_t bits) {
    size_t total = 0, n = bits;
    do {
      n = (n + 63) / 64;
      total += n;
    } while (n > 1);
    return total;
  }

  void init(uint64_t* words, size_t bits) {
    levels_ = 0;
    size_t n = bits;
    do {
      n = (n + 63) / 64;
      level_[levels_++] = words;
      words += n;
    } while (n > 1);
    bits_ = bits;
  }

  size_t size() const { return bits_; }
  bool test(size_t i) const { return i < bits_ && (level_[0][i / 64] >> (i % 64) & 1); }

  void set(size_t i) {
    for (int l = 0; l < levels_; l++, i /= 64) {
      uint64_t& w = level_[l][i / 64];
      bool was_empty = w == 0;
      w |= uint64_t{1} << (i % 64);
      if (!was_empty) return;
    }
  }

  void clear(size_t i) {
    for (int l = 0; l < levels_; l++, i /= 64) {
      uint64_t& w = level_[l][i / 64];
      w &= ~(uint64_t{1} << (i % 64));
      if (w != 0) return;
    }
  }

  size_t find_first() const {
    if (level_[levels_ - 1][0] == 0) return kNone;
    return descend(levels_ - 1, 0);
  }

  // The smallest element >= from.
  size_t find_from(size_t from) const {
    if (from >= bits_) return kNone;
    for (int l = 0; l < levels_; l++) {
      uint64_t rest = level_[l][from / 64] >> (from % 64);
      if (rest != 0) {
        size_t found = from + std::countr_zero(rest);
        return l == 0 ? found : descend(l - 1, found);
      }
      from = from / 64 + 1;  // the next word, a bit of the level above
      if (l + 1 == levels_ || from >= (size_of_level(l + 1))) return kNone;
    }
    return kNone;
  }

 private:
  size_t size_of_level(int l) const {
    size_t n = bits_;
    while (l-- > 0) n = (n + 63) / 64;
    return n;
  }
  // The smallest element below word `word` of level l, which is not zero.
  size_t descend(int l, size_t word) const {
    for (;; l--) {
      word = word * 64 + std::countr_zero(level_[l][word]);
      if (l == 0) return word;
    }
  }

  size_t bits_ = 0;
  int levels_ = 0;
  uint64_t* level_[kMaxLevels] = {};
};

}  // namespace lodge
