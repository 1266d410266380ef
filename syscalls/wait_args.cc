#include "syscalls/wait_args.h"

#include <algorithm>

#include "kernel/host/host.h"

namespace lodge {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kLongest = uint64_t{1} << 62;

uint64_t join_ns(uint64_t sec, uint64_t nsec) {
  if (sec >= kLongest / kSecond) return kLongest;
  return sec * kSecond + nsec;
}

}  // namespace

Result<uint64_t> timespec_to_ns(const abi::Timespec& t) {
  if (t.sec < 0 || t.nsec < 0 || t.nsec >= static_cast<int64_t>(kSecond)) return Errno::EINVAL;
  return join_ns(static_cast<uint64_t>(t.sec), static_cast<uint64_t>(t.nsec));
}

Result<uint64_t> timeval_to_ns(const abi::Timeval& t) {
  if (t.sec < 0 || t.usec < 0) return Errno::EINVAL;
  auto usec = static_cast<uint64_t>(t.usec);
  uint64_t sec = static_cast<uint64_t>(t.sec) + usec / 1'000'000;
  return join_ns(sec, usec % 1'000'000 * 1000);
}

abi::Timespec ns_to_timespec(uint64_t ns) {
  return {static_cast<int64_t>(ns / kSecond), static_cast<int64_t>(ns % kSecond)};
}

abi::Timeval ns_to_timeval(uint64_t ns) {
  return {static_cast<int64_t>(ns / kSecond), static_cast<int64_t>(ns % kSecond / 1000)};
}

uint64_t deadline_after(uint64_t ns) {
  if (ns == 0 || ns == host::kNever) return ns;
  return host::monotonic_ns() + std::min(ns, kLongest);
}

uint64_t time_left(uint64_t deadline_ns) {
  uint64_t now = host::monotonic_ns();
  return deadline_ns > now ? deadline_ns - now : 0;
}

Result<TemporarySigmask> TemporarySigmask::enter(Task& task, UserAddr mask, uint64_t size) {
  if (mask == 0) return TemporarySigmask(task, false);
  if (size != sizeof(uint64_t)) return Errno::EINVAL;
  set_temporary_sigmask(task, TRY(get_user<uint64_t>(mask)));
  return TemporarySigmask(task, true);
}

}  // namespace lodge
