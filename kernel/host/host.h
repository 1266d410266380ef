// What the kernel asks of the host: the only door to host system calls. Each function is one call through the
// one `syscall` instruction (syscall.S), allowed by the outer wall in exactly this form (wall/). The unit
// tests link hosted/ in its place. Errors of the host come back as Errno; none reaches a guest without an
// explicit decision.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/result.h"

namespace lodge::host {

constexpr uint64_t kNever = ~0ull;

// Waits while *word == expected. Returns EAGAIN (word differed), EINTR (a kick), ETIMEDOUT or success; all of
// them mean only "look again". deadline: CLOCK_MONOTONIC of the host in ns, or kNever. Words are shared
// between processes.
Result<void> futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, uint64_t deadline_ns = kNever);
// Wakes up to `count` waiters; returns how many.
int futex_wake(const std::atomic<uint32_t>& word, int count);
// CLOCK_MONOTONIC and CLOCK_REALTIME of the host, ns.
uint64_t monotonic_ns();
uint64_t realtime_ns();
// Any clock that the host's vDSO answers (clock_gettime(2)), ns.
uint64_t clock_ns(int clock);
// Gives the host CPU up once.
void yield();
inline void cpu_relax() {
  __builtin_ia32_pause();
}

// The files of a VPS that kernel processes hold, by role. Their fd numbers are fixed when the zygote is made.
enum class HostFile : int { kPages = 3, kImage = 4 /* further images follow */ };
inline HostFile image_file(int index) {
  return static_cast<HostFile>(static_cast<int>(HostFile::kImage) + index);
}

// pread/pwrite of up to n bytes at a guest or arena address. EFAULT if [buf, buf+n) is not mapped.
Result<size_t> pread(HostFile f, void* buf, size_t n, uint64_t offset);
Result<size_t> pwrite(HostFile f, const void* buf, size_t n, uint64_t offset);
// As pread, but EAGAIN where the data is not in the host's page cache.
Result<size_t> pread_nowait(HostFile f, void* buf, size_t n, uint64_t offset);
Result<void> punch_hole(HostFile f, uint64_t offset, uint64_t length);

}  // namespace lodge::host
