// The host calls, each through the one `syscall` instruction.
#include "kernel/host/host.h"

#include <asm/unistd.h>
#include <linux/falloc.h>
#include <linux/futex.h>

#include "kernel/abi/mman.h"
#include "kernel/abi/uio.h"
#include "kernel/base/layout.h"
#include "kernel/host/memory.h"
#include "kernel/host/parked.h"
#include "kernel/host/raw.h"
#include "kernel/host/vdso.h"

namespace lodge::host {
namespace {

Result<size_t> sized(long r) {
  if (r < 0) return static_cast<Errno>(-r);
  return static_cast<size_t>(r);
}
Result<void> plain(long r) {
  if (r < 0) return static_cast<Errno>(-r);
  return {};
}
long raw(const void* p) {
  return reinterpret_cast<long>(p);
}

constexpr int kRwfNowait = 8;
constexpr uint64_t kNsPerSec = 1'000'000'000;
constexpr uint64_t kMaxSpan = uint64_t{16} << 40;  // what the outer wall lets one mm call cover

}  // namespace

Result<void> futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, uint64_t deadline_ns) {
  Parked here(__builtin_frame_address(0));
  if (deadline_ns == kNever) return plain(host_syscall(__NR_futex, raw(&word), FUTEX_WAIT, expected));
  struct {
    int64_t sec, nsec;
  } ts{static_cast<int64_t>(deadline_ns / kNsPerSec), static_cast<int64_t>(deadline_ns % kNsPerSec)};
  // The BITSET form takes an absolute time of CLOCK_MONOTONIC.
  return plain(host_syscall(__NR_futex, raw(&word), FUTEX_WAIT_BITSET, expected, raw(&ts), 0, -1));
}

void park_for_good() {
  const std::atomic<uint32_t> never{0};
  for (;;) host_syscall(__NR_futex, raw(&never), FUTEX_WAIT, 0);
}

int futex_wake(const std::atomic<uint32_t>& word, int count) {
  long r = host_syscall(__NR_futex, raw(&word), FUTEX_WAKE, count);
  return r < 0 ? 0 : static_cast<int>(r);
}

void yield() {
  host_syscall(__NR_sched_yield);
}

Result<size_t> pread(HostFile f, void* buf, size_t n, uint64_t offset) {
  return sized(host_syscall(__NR_pread64, static_cast<int>(f), raw(buf), n, offset));
}
Result<size_t> pwrite(HostFile f, const void* buf, size_t n, uint64_t offset) {
  return sized(host_syscall(__NR_pwrite64, static_cast<int>(f), raw(buf), n, offset));
}
Result<size_t> pread_nowait(HostFile f, void* buf, size_t n, uint64_t offset) {
  abi::Iovec v{reinterpret_cast<uint64_t>(buf), n};
  return sized(host_syscall(__NR_preadv2, static_cast<int>(f), raw(&v), 1, offset, 0, kRwfNowait));
}
Result<void> punch_hole(HostFile f, uint64_t offset, uint64_t length) {
  return allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}
Result<void> membarrier(int command) {
  return plain(host_syscall(__NR_membarrier, command, 0, 0));
}
Result<void> allocate(HostFile f, int mode, uint64_t offset, uint64_t length) {
  return plain(host_syscall(__NR_fallocate, static_cast<int>(f), mode, offset, length));
}

namespace {
constexpr int kMapShared = 1, kMapPrivate = 2, kMapFixed = 0x10, kMapAnonymous = 0x20, kMapNoreserve = 0x4000;
constexpr int kMremapMaymove = 1, kMremapFixed = 2;
// mmap and mremap return an address or -errno.
long address_result(long r) {
  return r < 0 && r > -4096 ? r : 0;
}
}  // namespace

Result<void> map_anonymous(uint64_t at, uint64_t length, int prot, bool noreserve) {
  int flags = kMapPrivate | kMapFixed | kMapAnonymous | (noreserve ? kMapNoreserve : 0);
  return plain(address_result(host_syscall(__NR_mmap, at, length, prot, flags, -1, 0)));
}
Result<void> map_file(uint64_t at, uint64_t length, int prot, Sharing sharing, HostFile f, uint64_t offset) {
  int flags = (sharing == Sharing::kShared ? kMapShared : kMapPrivate) | kMapFixed;
  return plain(address_result(host_syscall(__NR_mmap, at, length, prot, flags, static_cast<int>(f), offset)));
}
Result<void> unmap(uint64_t at, uint64_t length) {
  while (length > 0) {
    uint64_t n = length < kMaxSpan ? length : kMaxSpan;
    if (long r = host_syscall(__NR_munmap, at, n); r < 0) return static_cast<Errno>(-r);
    at += n;
    length -= n;
  }
  return {};
}
Result<void> protect(uint64_t at, uint64_t length, int prot) {
  return plain(host_syscall(__NR_mprotect, at, length, prot));
}
Result<void> remap(uint64_t old_at, uint64_t old_length, uint64_t new_length, uint64_t new_at) {
  long r = new_at ? host_syscall(__NR_mremap, old_at, old_length, new_length, kMremapMaymove | kMremapFixed,
                                 new_at)
                  : host_syscall(__NR_mremap, old_at, old_length, new_length, 0, 0);
  return plain(address_result(r));
}
Result<void> advise(uint64_t at, uint64_t length, int advice) {
  return plain(host_syscall(__NR_madvise, at, length, advice));
}

Result<void> collapse_arena_pages(uint64_t at) {
  return plain(host_syscall(__NR_madvise, at, kHugePageSize, abi::kMadvCollapse));
}
Result<void> in_core(uint64_t at, uint64_t length, uint8_t* out) {
  return plain(host_syscall(__NR_mincore, at, length, raw(out)));
}

}  // namespace lodge::host
