// Guest memory as the host pages it: the mm calls that the outer wall lets through, each at an address our
// kernel chose (MAP_FIXED) below kGuestEnd. They act on the address space of the calling host process. prot
// is PROT_* of Linux. Errors: ENOMEM (limits, mappings), EINVAL, EACCES, EAGAIN as the host gives them.
#pragma once
#include <cstdint>

#include "kernel/base/result.h"
#include "kernel/host/host.h"

namespace lodge::host {

enum class Sharing : uint8_t { kPrivate, kShared };

Result<void> map_anonymous(uint64_t at, uint64_t length, int prot, bool noreserve);  // private, zero-filled
Result<void> map_file(uint64_t at, uint64_t length, int prot, Sharing, HostFile f, uint64_t offset);
Result<void> unmap(uint64_t at, uint64_t length);  // any length: split at 16 TiB inside
Result<void> protect(uint64_t at, uint64_t length, int prot);
// Moves a private anonymous (or any) mapping, contents and all; new_at == 0 resizes in place.
Result<void> remap(uint64_t old_at, uint64_t old_length, uint64_t new_length, uint64_t new_at);
Result<void> advise(uint64_t at, uint64_t length, int advice);
// Makes one huge page of the 2 MiB at `at`, which is in the arena (MADV_COLLAPSE, Linux 6.1).
Result<void> collapse_arena_pages(uint64_t at);
Result<void> in_core(uint64_t at, uint64_t length, uint8_t* out);
// membarrier(2): the private expedited commands and their registrations.
Result<void> membarrier(int command);
// allocate space in the page file or an image: fallocate(2) modes that the wall lists.
Result<void> allocate(HostFile f, int mode, uint64_t offset, uint64_t length);

}  // namespace lodge::host
