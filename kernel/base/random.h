// The random numbers of a VPS: ChaCha20 (RFC 8439) with fast key erasure, keyed at boot with what the boot loader got
// from the host's getrandom(2). One part per VPS; a snapshot that is cloned must mix_in() something new first.
// Lock: kRandom, never held while copying to the guest.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"

namespace lodge {

class Random {
 public:
  static constexpr KernelPart kPart = KernelPart::kRandom;
  static constexpr size_t kKeyBytes = 32, kBlockBytes = 64;
  explicit Random(std::span<const uint8_t, kKeyBytes> seed);

  // Any amount; each call replaces the key by output that it does not give away.
  void fill(std::span<uint8_t> out);
  void mix_in(std::span<const uint8_t> entropy);

 private:
  Mutex lock_{LockClass::kRandom};
  uint32_t key_[kKeyBytes / 4];
};

// One block of the ChaCha20 key stream, nonce 0.
void chacha20_block(const uint32_t key[8], uint64_t counter, uint8_t out[Random::kBlockBytes]);

uint64_t random_u64();

}  // namespace lodge
