#include "vfs/ext4/dir_hash.h"

#include <bit>

#include "kernel/base/string.h"

namespace lodge::ext4 {
namespace {

enum class CharSign : uint8_t { kSigned, kUnsigned };

uint32_t char_value(char c, CharSign sign) {
  return sign == CharSign::kUnsigned ? static_cast<uint8_t>(c)
                                     : static_cast<uint32_t>(static_cast<int8_t>(c));
}

uint32_t legacy_hash(std::string_view name, CharSign sign) {
  uint32_t current = 0x12a3fe2d, previous = 0x37abe8f9;
  for (char c : name) {
    uint32_t next = previous + (current ^ (char_value(c, sign) * 7152373));
    if (next & 0x80000000) next -= 0x7fffffff;
    previous = current;
    current = next;
  }
  return current << 1;
}

// Packs up to 4 * out.size() characters, big end first, into words; what is missing is filled with the length
// of the whole rest of the name.
void pack(std::string_view rest, std::span<uint32_t> out, CharSign sign) {
  uint32_t length = static_cast<uint32_t>(rest.size());
  uint32_t pad = length | length << 8;
  pad |= pad << 16;
  size_t i = 0;
  for (uint32_t& word : out) {
    word = pad;
    for (size_t end = i + 4; i < end && i < rest.size(); i++) word = char_value(rest[i], sign) + (word << 8);
  }
}

// MD4 cut to half its input and rounds (RFC 1320): three rounds of eight steps.
void half_md4(std::span<uint32_t, 4> state, std::span<const uint32_t, 8> in) {
  struct Round {
    uint32_t constant;
    uint8_t order[8], shift[4];
  };
  static constexpr Round kRounds[3] = {
      {0, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 7, 11, 19}},
      {0x5a827999, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 5, 9, 13}},
      {0x6ed9eba1, {3, 7, 2, 6, 1, 5, 0, 4}, {3, 9, 11, 15}},
  };
  uint32_t v[4] = {state[0], state[1], state[2], state[3]};
  for (int r = 0; r < 3; r++) {
    for (int step = 0; step < 8; step++) {
      // The word that is replaced goes a, d, c, b; the other three follow it in order.
      unsigned target = (4 - step % 4) % 4;
      uint32_t x = v[(target + 1) % 4], y = v[(target + 2) % 4], z = v[(target + 3) % 4];
      uint32_t mixed = r == 0 ? (z ^ (x & (y ^ z))) : r == 1 ? ((x & y) + ((x ^ y) & z)) : (x ^ y ^ z);
      v[target] = std::rotl(v[target] + mixed + in[kRounds[r].order[step]] + kRounds[r].constant,
                            kRounds[r].shift[step % 4]);
    }
  }
  for (int i = 0; i < 4; i++) state[i] += v[i];
}

void tea(std::span<uint32_t, 4> state, std::span<const uint32_t, 4> key) {
  uint32_t a = state[0], b = state[1], sum = 0;
  for (int round = 0; round < 16; round++) {
    sum += 0x9e3779b9;
    a += ((b << 4) + key[0]) ^ (b + sum) ^ ((b >> 5) + key[1]);
    b += ((a << 4) + key[2]) ^ (a + sum) ^ ((a >> 5) + key[3]);
  }
  state[0] += a;
  state[1] += b;
}

}  // namespace

uint32_t dir_hash(std::string_view name, HashVersion version, std::span<const uint32_t, 4> seed) {
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  if (seed[0] | seed[1] | seed[2] | seed[3])
    for (int i = 0; i < 4; i++) state[i] = seed[i];

  CharSign sign = version >= HashVersion::kLegacyUnsigned ? CharSign::kUnsigned : CharSign::kSigned;
  uint32_t hash = 0;
  switch (version) {
    case HashVersion::kLegacy:
    case HashVersion::kLegacyUnsigned:
      hash = legacy_hash(name, sign);
      break;
    case HashVersion::kHalfMd4:
    case HashVersion::kHalfMd4Unsigned:
      for (size_t i = 0; i < name.size(); i += 32) {
        uint32_t words[8];
        pack(substr(name, i), words, sign);
        half_md4(state, words);
      }
      hash = state[1];
      break;
    case HashVersion::kTea:
    case HashVersion::kTeaUnsigned:
      for (size_t i = 0; i < name.size(); i += 16) {
        uint32_t words[4];
        pack(substr(name, i), words, sign);
        tea(state, words);
      }
      hash = state[0];
      break;
  }
  hash &= ~1u;
  // The largest value means "end of directory" to readers of hash order; Linux keeps names off it.
  constexpr uint32_t kEnd = 0x7fffffffu << 1;
  return hash == kEnd ? kEnd - 2 : hash;
}

}  // namespace lodge::ext4
