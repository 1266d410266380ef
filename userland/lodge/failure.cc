// See failure.h.
#include "userland/lodge/failure.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace lodge {

Failure host_failure(std::string_view what, int errno_value) {
  return Failure(std::string(what) + ": " + strerror(errno_value));
}

int fail(std::string_view message) {
  std::string line = "lodge: " + std::string(message);
  // A path or an argument in the message may hold anything; the promise is one line.
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  line += '\n';
  // A single write, so that it does not mix with the output of a VPS on the same terminal. Nothing is left to
  // do when stderr itself is gone: the exit code still tells.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
  return kExitLodgeFailed;
}

}  // namespace lodge
