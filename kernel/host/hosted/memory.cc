// Guest memory in the hosted build: the same calls at the same addresses, in the test's own process. What a
// test maps must be where it has nothing of its own, as kGuestEnd downwards is.
#include "kernel/host/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/base/layout.h"
#include "kernel/base/panic.h"

namespace lodge::host {
namespace {

void* pointer(uint64_t at) {
  return reinterpret_cast<void*>(at);
}

Result<void> mapped(uint64_t at, uint64_t length, int prot, int flags, int fd, uint64_t offset) {
  ASSERT(at >= kGuestStart && at + length <= kGuestEnd);
  if (mmap(pointer(at), length, prot, flags | MAP_FIXED, fd, static_cast<off_t>(offset)) == MAP_FAILED)
    return static_cast<Errno>(errno);
  return {};
}

Result<void> done(int r) {
  if (r < 0) return static_cast<Errno>(errno);
  return {};
}

}  // namespace

Result<void> map_anonymous(uint64_t at, uint64_t length, int prot, bool noreserve) {
  return mapped(at, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | (noreserve ? MAP_NORESERVE : 0), -1, 0);
}

Result<void> map_file(uint64_t at, uint64_t length, int prot, Sharing sharing, HostFile f, uint64_t offset) {
  return mapped(at, length, prot, sharing == Sharing::kShared ? MAP_SHARED : MAP_PRIVATE, static_cast<int>(f),
                offset);
}

Result<void> unmap(uint64_t at, uint64_t length) {
  ASSERT(at >= kGuestStart && at + length <= kGuestEnd);
  return done(munmap(pointer(at), length));
}

Result<void> protect(uint64_t at, uint64_t length, int prot) {
  return done(mprotect(pointer(at), length, prot));
}

Result<void> remap(uint64_t old_at, uint64_t old_length, uint64_t new_length, uint64_t new_at) {
  void* r =
      new_at ? mremap(pointer(old_at), old_length, new_length, MREMAP_MAYMOVE | MREMAP_FIXED, pointer(new_at))
             : mremap(pointer(old_at), old_length, new_length, 0);
  if (r == MAP_FAILED) return static_cast<Errno>(errno);
  return {};
}

Result<void> advise(uint64_t at, uint64_t length, int advice) {
  return done(madvise(pointer(at), length, advice));
}

Result<void> in_core(uint64_t at, uint64_t length, uint8_t* out) {
  return done(mincore(pointer(at), length, out));
}

Result<void> membarrier(int command) {
  return done(static_cast<int>(syscall(SYS_membarrier, command, 0, 0)));
}

Result<void> allocate(HostFile f, int mode, uint64_t offset, uint64_t length) {
  return done(fallocate(static_cast<int>(f), mode, static_cast<off_t>(offset), static_cast<off_t>(length)));
}

}  // namespace lodge::host
