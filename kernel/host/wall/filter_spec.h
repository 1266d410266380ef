// What the outer wall is told about one VPS before its filter is built.
//
// The filter (filter_build.h) lets the kernel's own syscall instruction do a short list of host calls, on the
// files and the address range named here, and nothing else. README.md has the rules.
//
// Contract: plain data; nothing here is changed once the filter is on. Locks: none.
// Linux reference: Documentation/userspace-api/seccomp_filter.rst, struct seccomp_data.
#pragma once

#include <cstdint>
#include <limits>

namespace lodge {

enum class WallAccess : uint8_t { kReadOnly, kReadWrite };

// A file that the VPS may map, read and (if kReadWrite) write: its page file, its disk images.
struct WallFile {
  int fd = -1;
  WallAccess access = WallAccess::kReadOnly;
  // Bytes. Transfers and fallocate must start below it. It is not what keeps the file from growing: a
  // transfer that starts below may end beyond. RLIMIT_FSIZE and F_SEAL_GROW do that (README.md, "What the
  // caller owes").
  uint64_t end = 0;
};

inline constexpr uint32_t kMaxWallFiles = 8;

struct WallConfig {
  // Address of the instruction after the kernel's only `syscall`, which is what seccomp_data reports.
  uint64_t syscall_ip = 0;
  // The kernel's text: [begin, end).
  uint64_t kernel_begin = 0;
  uint64_t kernel_end = 0;
  // Where mm calls may start: [begin, end). Nothing they accept is longer than max_len.
  uint64_t guest_begin = 0x10000;
  uint64_t guest_end = 0x6000'0000'0000;
  uint64_t max_len = 0x1000'0000'0000;
  // The lowest address that mm calls must never reach: the arena, with mailbox, kernel and vDSO above it.
  uint64_t arena_begin = 0x7000'0000'0000;
  // The file read most comes first: it is compared first.
  WallFile files[kMaxWallFiles] = {};
  uint32_t file_count = 0;
  // Whether arch_prctl may set the fs and gs bases: for hosts without FSGSBASE.
  bool sets_bases = false;
  // Whether clock_gettime passes: for hosts whose vDSO cannot read the clock source.
  bool reads_clocks = false;
};

// True if a filter built from `c` keeps what README.md promises. The guest range ends, and max_len is
// counted, in whole 4 GiB, so that one comparison of a high word decides in the common case.
constexpr bool wall_config_valid(const WallConfig& c) {
  constexpr uint64_t kWord = uint64_t{1} << 32;
  constexpr uint64_t kTop = uint64_t{1} << 47;
  if (c.guest_begin == 0 || c.guest_begin >= kWord) return false;
  if (c.guest_end % kWord != 0 || c.guest_end < kWord || c.guest_end > kTop) return false;
  if (c.max_len % kWord != 0 || c.max_len == 0 || c.max_len > kTop) return false;
  if (c.guest_end + c.max_len > c.arena_begin || c.arena_begin > c.kernel_begin) return false;
  if (c.syscall_ip <= c.kernel_begin || c.syscall_ip > c.kernel_end || c.kernel_end > kTop) return false;
  if (c.file_count > kMaxWallFiles) return false;
  for (uint32_t i = 0; i < c.file_count; i++) {
    const WallFile& f = c.files[i];
    if (f.fd < 0 || f.end == 0 || f.end >= std::numeric_limits<int64_t>::max()) return false;
    for (uint32_t j = 0; j < i; j++) {
      if (c.files[j].fd == f.fd) return false;
    }
  }
  return true;
}

// For the SIGSYS handler: true if a trapped call came from kernel text. `call_addr` is si_call_addr, the
// address after the instruction. The kernel asks only for what the wall grants, so such a trap is an attack
// or a bug of ours, and the process must end (exit_group) instead of having its call answered.
constexpr bool wall_trap_is_fatal(const WallConfig& c, uint64_t call_addr) {
  return call_addr > c.kernel_begin && call_addr <= c.kernel_end;
}

}  // namespace lodge
