// Sizes and numbers on the command line: "4096", "512K", "512M", "2G", "1T", also "MiB" and "MB" endings, all
// in powers of 1024 as mkfs and qemu read them. Pure functions; no locks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lodge {

// Bytes, or nothing when `text` is not a size (empty, sign, fraction, unknown unit, more than 2^63 - 1
// bytes).
std::optional<uint64_t> parse_size(std::string_view text);

// A decimal number without sign, blank or rest that is at most `max`.
std::optional<uint64_t> parse_number(std::string_view text, uint64_t max);

}  // namespace lodge
