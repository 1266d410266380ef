// CRC-32C (Castagnoli, reflected 0x82f63b78), as ext4 and jbd2 use it: the running value goes in and comes
// out as it is, without the final inversion. Start with ~0u unless a format says otherwise. Pure function, no
// state.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge {

uint32_t crc32c(uint32_t crc, const void* data, size_t n);

// Feeds one value of a fixed-width type in its memory order, for seeds made of a few fields.
template <typename T>
uint32_t crc32c_value(uint32_t crc, const T& v) {
  static_assert(__is_trivially_copyable(T));
  return crc32c(crc, &v, sizeof v);
}

}  // namespace lodge
