// How every `lodge` command reports that Lodge itself failed: one clear line on stderr and exit code 125,
// which leaves 0-124 and 126-255 to the command that ran inside. Ordinary userland code; no locks.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace lodge {

inline constexpr int kExitLodgeFailed = 125;

// What a command throws for bad input or a host that refuses; main prints it with fail(). The text is one
// line, names the thing that is wrong, and where it helps says what to do.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "WHAT: strerror(errno_value)", the usual shape of a host's refusal.
Failure host_failure(std::string_view what, int errno_value);

// Prints "lodge: MESSAGE" on stderr and returns kExitLodgeFailed.
[[nodiscard]] int fail(std::string_view message);

}  // namespace lodge
