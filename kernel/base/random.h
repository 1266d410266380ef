// Random: the kernel's random numbers (random(4), getrandom(2)): ChaCha20 with fast key erasure. The key
// comes from the host's getrandom at boot; each request takes its bytes, and the next key, from the stream of
// the present one, so that the state of the arena does not tell what was given out before (djb,
// "Fast-key-erasure random-number generators").
//
// What guests write to /dev/urandom is mixed into the key and not counted as entropy.
// Lock: kRandom, for one key change; long requests go on under a key of their own without it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"

namespace lodge {

class Random {
 public:
  static constexpr KernelPart kPart = KernelPart::kRandom;
  static constexpr size_t kSeedBytes = 32;

  explicit Random(std::span<const uint8_t, kSeedBytes> seed);
  void fill(void* to, size_t n) EXCLUDES(lock_);
  void mix(const void* from, size_t n) EXCLUDES(lock_);
  uint64_t next_u64() {
    uint64_t v;
    fill(&v, sizeof v);
    return v;
  }

 private:
  using Key = uint32_t[8];
  static constexpr size_t kBlockBytes = 64;
  static constexpr size_t kOutputBytes = kBlockBytes - sizeof(Key);  // of the block that makes the next key
  void next_key(uint8_t* output) REQUIRES(lock_);

  Mutex lock_{LockClass::kRandom};
  Key key_;
};

// One block of ChaCha20 (RFC 8439, 2.3) with a zero nonce.
void chacha20_block(const uint32_t key[8], uint64_t counter, uint8_t out[64]);

}  // namespace lodge
