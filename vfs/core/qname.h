// QName: one component of a path, hashed, and packed into words so that a walker compares it with a dentry's
// name eight bytes at a time. The text stays the caller's.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lodge {

constexpr size_t kNameMax = 255;
constexpr size_t kPathMax = 4096;  // with the NUL

struct QName {
  // Names up to this length stand in the dentry itself; only these are found without a lock.
  static constexpr size_t kWords = 7;
  static constexpr size_t kInline = kWords * sizeof(uint64_t);

  explicit QName(std::string_view name) : text(name) {
    uint64_t h = name.size();
    size_t at = 0, word = 0;
    for (; at + 8 <= name.size(); at += 8, word++) h = mix(h, put(word, load(name.data() + at, 8)));
    if (at < name.size()) h = mix(h, put(word++, load(name.data() + at, name.size() - at)));
    hash = static_cast<uint32_t>(h ^ (h >> 32));
    used_words = static_cast<uint32_t>(word);
  }
  bool fits_inline() const { return text.size() <= kInline; }

  std::string_view text;
  uint32_t hash;
  uint32_t used_words;
  uint64_t words[kWords];  // the first used_words; zero behind the text's end

 private:
  static uint64_t load(const char* p, size_t n) {
    uint64_t w = 0;
    std::memcpy(&w, p, n);
    return w;
  }
  static uint64_t mix(uint64_t h, uint64_t w) {
    h = (h ^ w) * 0x9e3779b97f4a7c15;
    return std::rotl(h, 29);
  }
  uint64_t put(size_t index, uint64_t w) {
    if (index < kWords) words[index] = w;
    return w;
  }
};

}  // namespace lodge
