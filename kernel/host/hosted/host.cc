// The host layer of the hosted build (unit tests): plain system calls by syscall(2) through libc.
#include "kernel/host/host.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/host/hosted/inject.h"

namespace lodge::host {
namespace {

uint64_t read_clock(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

Result<size_t> sized(ssize_t n) {
  if (n < 0) return static_cast<Errno>(errno);
  return static_cast<size_t>(n);
}

}  // namespace

Result<void> futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, uint64_t deadline_ns) {
  timespec t{static_cast<time_t>(deadline_ns / 1'000'000'000),
             static_cast<long>(deadline_ns % 1'000'000'000)};
  // FUTEX_WAIT_BITSET takes an absolute time, FUTEX_WAIT a relative one.
  if (syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, expected, deadline_ns == kNever ? nullptr : &t, nullptr,
              FUTEX_BITSET_MATCH_ANY) < 0)
    return static_cast<Errno>(errno);
  return {};
}

int futex_wake(const std::atomic<uint32_t>& word, int count) {
  return static_cast<int>(syscall(SYS_futex, &word, FUTEX_WAKE, count, nullptr, nullptr, 0));
}

uint64_t monotonic_ns() {
  return read_clock(CLOCK_MONOTONIC);
}
uint64_t realtime_ns() {
  return read_clock(CLOCK_REALTIME);
}
uint64_t clock_ns(int clock) {
  return read_clock(clock);
}
void yield() {
  sched_yield();
}

Result<size_t> pread(HostFile f, void* buf, size_t n, uint64_t offset) {
  if (hosted::should_fail(hosted::Injected::kHostIo)) return Errno::EIO;
  return sized(::pread(static_cast<int>(f), buf, n, static_cast<off_t>(offset)));
}

Result<size_t> pwrite(HostFile f, const void* buf, size_t n, uint64_t offset) {
  if (hosted::should_fail(hosted::Injected::kHostIo)) return Errno::EIO;
  return sized(::pwrite(static_cast<int>(f), buf, n, static_cast<off_t>(offset)));
}

Result<size_t> pread_nowait(HostFile f, void* buf, size_t n, uint64_t offset) {
  if (hosted::should_fail(hosted::Injected::kHostIo)) return Errno::EIO;
  iovec v{buf, n};
  auto r = sized(::preadv2(static_cast<int>(f), &v, 1, static_cast<off_t>(offset), RWF_NOWAIT));
  // tmpfs does not know RWF_NOWAIT before Linux 6.6.
  return !r.ok() && r.error() == Errno::EOPNOTSUPP ? Errno::EAGAIN : r;
}

Result<void> punch_hole(HostFile f, uint64_t offset, uint64_t length) {
  if (::fallocate(static_cast<int>(f), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) < 0)
    return static_cast<Errno>(errno);
  return {};
}

}  // namespace lodge::host
