// The hashes that order an indexed directory's names. They must give what Linux gives, bit for bit, also in
// the difference between signed and unsigned characters that old architectures left behind.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace lodge::ext4 {

// Numbers of dx_root_info.hash_version. On disk only the first three stand; s_flags adds the unsigned
// variants.
enum class HashVersion : uint8_t { kLegacy, kHalfMd4, kTea, kLegacyUnsigned, kHalfMd4Unsigned, kTeaUnsigned };
constexpr uint8_t kHashVersionCount = 6;

// The seed is s_hash_seed; all zero means the hash's own start value. Bit 0 of the result is clear: on disk
// it marks a hash that continues from the block before.
uint32_t dir_hash(std::string_view name, HashVersion version, std::span<const uint32_t, 4> seed);

}  // namespace lodge::ext4
