#include "kernel/base/random.h"

namespace lodge {
namespace {

constexpr uint32_t rotate(uint32_t v, int n) { return v << n | v >> (32 - n); }

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b, d = rotate(d ^ a, 16);
  c += d, b = rotate(b ^ c, 12);
  a += b, d = rotate(d ^ a, 8);
  c += d, b = rotate(b ^ c, 7);
}

}  // namespace

void chacha20_block(const uint32_t key[8], uint64_t counter, uint8_t out[Random::kBlockBytes]) {
  // "expand 32-byte k"
  uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 8; i++) in[4 + i] = key[i];
  in[12] = static_cast<uint32_t>(counter);
  in[13] = static_cast<uint32_t>(counter >> 32);
  uint32_t x[16];
  __builtin_memcpy(x, in, sizeof x);
  for (int round = 0; round < 10; round++) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (int i = 0; i < 16; i++) x[i] += in[i];
  __builtin_memcpy(out, x, sizeof x);
}

Random::Random(std::span<const uint8_t, kKeyBytes> seed) { __builtin_memcpy(key_, seed.data(), kKeyBytes); }

void Random::fill(std::span<uint8_t> out) {
  uint32_t key[8];
  uint8_t block[kBlockBytes];
  {
    // One block: its first half is the next key, its second half the key of this request's own stream.
    MutexLock guard(lock_);
    chacha20_block(key_, 0, block);
    __builtin_memcpy(key_, block, kKeyBytes);
    __builtin_memcpy(key, block + kKeyBytes, kKeyBytes);
  }
  size_t got = 0;
  for (uint64_t counter = 0; got < out.size(); counter++) {
    chacha20_block(key, counter, block);
    size_t n = out.size() - got < kBlockBytes ? out.size() - got : kBlockBytes;
    __builtin_memcpy(out.data() + got, block, n);
    got += n;
  }
}

void Random::mix_in(std::span<const uint8_t> entropy) {
  MutexLock guard(lock_);
  auto* bytes = reinterpret_cast<uint8_t*>(key_);
  for (size_t i = 0; i < entropy.size(); i++) {
    bytes[i % kKeyBytes] ^= entropy[i];
    if (i % kKeyBytes == kKeyBytes - 1 || i + 1 == entropy.size()) {
      uint8_t block[kBlockBytes];
      chacha20_block(key_, 0, block);
      __builtin_memcpy(key_, block, kKeyBytes);
    }
  }
}

uint64_t random_u64() {
  uint8_t bytes[8];
  kernel_part<Random>().fill(bytes);
  uint64_t v;
  __builtin_memcpy(&v, bytes, sizeof v);
  return v;
}

}  // namespace lodge
