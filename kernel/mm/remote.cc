// Reading and writing the memory of another process, for /proc/PID/cmdline, environ and mem. The host gives
// no way into another process that the outer wall would let through, so, as with a shootdown (shootdown.cc),
// one of its own threads does it: whichever first comes by on its way back to the guest or out of a wait.
// That thread may stand in the middle of anything and hold sleeping locks, its memory's own among them; so
// its copy takes no lock, and a page that would first have to be provided ends the copy short.
//
// The bytes go through the requester's buffer, which is arena memory as all kernel memory. A request that
// nobody answers in time is taken back: EIO.
#include <algorithm>

#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"
#include "kernel/sched/thread.h"

namespace lodge {
namespace {

constexpr uint64_t kCallAgainNs = 2'000'000;
constexpr uint64_t kGiveUpNs = 1'000'000'000;

size_t copy(Mm::Direction direction, uint64_t address, char* buffer, size_t length) {
  size_t left = direction == Mm::Direction::kRead ? copy_from_user_partial(buffer, address, length)
                                                  : copy_to_user_partial(address, buffer, length);
  return length - left;
}

}  // namespace

void Mm::run_remote_copy() {
  uint32_t posted = RemoteCopy::kPosted;
  if (!remote_.state.compare_exchange_strong(posted, RemoteCopy::kRunning)) return;
  Thread& self = current();
  self.no_fault_in = true;
  if (remote_.generation == generation())
    remote_.done = copy(remote_.direction, remote_.address, remote_.buffer, remote_.length);
  self.no_fault_in = false;
  remote_.state.store(RemoteCopy::kDone);
  remote_.finished.wake_all();
}

Result<size_t> Mm::copy_remote(Direction direction, uint32_t wanted, uint64_t address,
                               std::span<char> buffer) {
  if (wanted != generation()) return size_t{0};
  if (is_current_mm(*this)) {
    size_t n = copy(direction, address, buffer.data(), buffer.size());
    if (n == 0 && !buffer.empty()) return Errno::EIO;
    return n;
  }
  SleepGuard turn(remote_.turn);
  remote_.generation = wanted;
  remote_.direction = direction;
  remote_.address = address;
  remote_.buffer = buffer.data();
  remote_.length = buffer.size();
  remote_.done = 0;
  remote_.state.store(RemoteCopy::kPosted);
  const uint64_t give_up = host::monotonic_ns() + kGiveUpNs;
  auto is_done = [&] { return remote_.state.load() == RemoteCopy::kDone; };
  while (!is_done()) {
    uint64_t now = host::monotonic_ns();
    uint32_t posted = RemoteCopy::kPosted;
    if ((!call_threads(*this) || now > give_up) &&
        remote_.state.compare_exchange_strong(posted, RemoteCopy::kIdle))
      return Errno::EIO;
    wait_event(remote_.finished, is_done, WaitMode::kUninterruptible, now + kCallAgainNs);
  }
  remote_.state.store(RemoteCopy::kIdle);
  if (remote_.done == 0 && !buffer.empty() && wanted == generation()) return Errno::EIO;
  return remote_.done;
}

}  // namespace lodge
