#include "kernel/base/random.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lodge {
namespace {

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b, d = std::rotl(d ^ a, 16);
  c += d, b = std::rotl(b ^ c, 12);
  a += b, d = std::rotl(d ^ a, 8);
  c += d, b = std::rotl(b ^ c, 7);
}

// Not to be left out by the compiler, though nobody reads the bytes again.
void forget(void* p, size_t n) {
  auto* bytes = static_cast<volatile uint8_t*>(p);
  while (n-- > 0) *bytes++ = 0;
}

}  // namespace

void chacha20_block(const uint32_t key[8], uint64_t counter, uint8_t out[64]) {
  uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  std::copy(key, key + 8, start + 4);
  start[12] = static_cast<uint32_t>(counter);
  start[13] = static_cast<uint32_t>(counter >> 32);
  uint32_t x[16];
  std::copy(start, start + 16, x);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 4; i++) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
    for (int i = 0; i < 4; i++)
      quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
  }
  for (int i = 0; i < 16; i++) x[i] += start[i];
  std::memcpy(out, x, sizeof x);
  forget(x, sizeof x);
  forget(start, sizeof start);
}

Random::Random(std::span<const uint8_t, kSeedBytes> seed) {
  std::memcpy(key_, seed.data(), sizeof key_);
}

// The first half of the block is the next key, the second is given out.
void Random::next_key(uint8_t* output) {
  uint8_t block[kBlockBytes];
  chacha20_block(key_, 0, block);
  std::memcpy(key_, block, sizeof key_);
  std::memcpy(output, block + sizeof key_, kOutputBytes);
  forget(block, sizeof block);
}

void Random::fill(void* to, size_t n) {
  auto* out = static_cast<uint8_t*>(to);
  uint8_t first[kOutputBytes];
  {
    MutexLock lock(lock_);
    next_key(first);
  }
  if (n <= sizeof first) {
    std::memcpy(out, first, n);
    forget(first, sizeof first);
    return;
  }
  Key own;
  static_assert(sizeof own == sizeof first);
  std::memcpy(own, first, sizeof own);
  uint8_t block[kBlockBytes];
  for (uint64_t counter = 0; n > 0; counter++) {
    chacha20_block(own, counter, block);
    size_t piece = std::min(n, sizeof block);
    std::memcpy(out, block, piece);
    out += piece;
    n -= piece;
  }
  forget(block, sizeof block);
  forget(own, sizeof own);
  forget(first, sizeof first);
}

void Random::mix(const void* from, size_t n) {
  auto* in = static_cast<const uint8_t*>(from);
  MutexLock lock(lock_);
  while (n > 0) {
    uint8_t dropped[kOutputBytes];
    size_t piece = std::min(n, sizeof key_);
    auto* key = reinterpret_cast<uint8_t*>(key_);
    for (size_t i = 0; i < piece; i++) key[i] ^= in[i];
    next_key(dropped);
    in += piece;
    n -= piece;
  }
}

}  // namespace lodge
