// Builds the outer wall: the seccomp filter that stands between one VPS and the host kernel.
//
// Contract: build_wall_filter is a pure function. It runs once, in the zygote, before the first guest
// process; the caller installs the result with SECCOMP_FILTER_FLAG_SPEC_ALLOW and no_new_privs, and every
// later process and thread of the VPS inherits it. The rules are in README.md, their specification in
// tests/unit/wall_spec.h. Locks: none. Linux reference: seccomp(2),
// Documentation/userspace-api/seccomp_filter.rst.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <span>

#include "kernel/host/wall/filter_spec.h"

namespace lodge {

// Enough for any valid configuration, kMaxWallFiles files included (a unit test holds it to that).
inline constexpr size_t kWallFilterMax = 384;

// What build_wall_filter returns in place of a length.
inline constexpr int kWallNoSpace = -1;
inline constexpr int kWallBadConfig = -2;

// Writes the program to the start of `out` and returns its length in instructions, above 0, or one of the
// errors above; `out` is then garbage.
[[nodiscard]] int build_wall_filter(const WallConfig& config, std::span<sock_filter> out);

}  // namespace lodge
