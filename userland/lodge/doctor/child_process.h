// Tries something in a child, where it may change the process, be killed, or never come back. No locks.
#pragma once

#include <functional>

namespace lodge {

// How the child ended: what `attempt` returned (0 to 255), or 256 plus the signal that killed it, or -1 when
// there could be no child. It leaves no core file.
int try_in_child(const std::function<int()>& attempt);

constexpr int killed_by(int signal) {
  return 256 + signal;
}

}  // namespace lodge
