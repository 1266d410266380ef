// The vDSO of the guests (vdso/vdso.S): a page of data and our ELF behind it, mapped once at boot, below all
// processes of the VPS, and read-only from then on. A restore maps it anew with other bases.
//
// Contract: map_guest_vdso() comes before the outer wall, which allows no mapping up there. Locks: none.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/layout.h"
#include "kernel/base/result.h"

namespace lodge::host {

// What vdso.S reads. Functions: 0 where the guests' kernel is to be asked. `*_base`: the host's clock when
// the guests' was 0, in seconds.
struct GuestVdsoData {
  uint64_t host_clock_gettime = 0, host_gettimeofday = 0, host_time = 0;  // functions of the host's vDSO
  uint64_t gate = 0;  // fast_gate_address(), or 0: calls of the vDSO trap
  uint64_t monotonic_base = 0, raw_base = 0;
  uint64_t reads_gs_base = 0;  // whether the host has FSGSBASE
};
static_assert(offsetof(GuestVdsoData, gate) == 24 && offsetof(GuestVdsoData, monotonic_base) == 32 &&
              offsetof(GuestVdsoData, raw_base) == 40 && offsetof(GuestVdsoData, reads_gs_base) == 48);

constexpr uint64_t kGuestVdsoData = kHotPagesBase;
constexpr uint64_t kGuestVdsoElf = kGuestVdsoData + kPageSize;

// First address behind the ELF, in whole pages.
uint64_t guest_vdso_end();
Result<void> map_guest_vdso(const GuestVdsoData& data);

}  // namespace lodge::host
