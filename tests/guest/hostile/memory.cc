// mm calls at the kernel's instruction, out of their range or form. "Range" is the guest's, below the arena.
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hostile/hostile.h"

namespace hostile {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kGuest = 0x100000000000;
constexpr uint64_t kGuestEnd = 0x600000000000;
constexpr uint64_t kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr uint64_t kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kMostFds = 64;

struct Row {
  const char* name;
  long number;
  uint64_t a, b, c, d, e, f;
};

// Each has to be refused.
constexpr Row kRows[] = {
    {"mmap_not_fixed", SYS_mmap, kGuest, kPage, kReadWrite, kAnonymous, ~0u, 0},
    {"mmap_null_not_fixed", SYS_mmap, 0, kPage, kReadWrite, kAnonymous, ~0u, 0},
    {"mmap_fixed_noreplace", SYS_mmap, kGuest, kPage, kReadWrite, kAnonymous | MAP_FIXED_NOREPLACE, ~0u, 0},
    {"mmap_over_arena", SYS_mmap, kArena, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_over_kernel", SYS_mmap, kKernelText, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_over_mailbox", SYS_mmap, kMailbox, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_into_arena", SYS_mmap, kGuestEnd - kPage, kArena - kGuestEnd + 2 * kPage, kReadWrite,
     kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_length_wraps", SYS_mmap, kGuest, -kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_length_wraps_all", SYS_mmap, kGuest, ~0ull, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_grows_down", SYS_mmap, kGuest, kPage, kReadWrite, kAnonymous | MAP_FIXED | MAP_GROWSDOWN, ~0u, 0},
    {"mmap_shared_anonymous", SYS_mmap, kGuest, kPage, kReadWrite, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
     ~0u, 0},
    {"mmap_huge", SYS_mmap, kGuest, 2 << 20, kReadWrite, kAnonymous | MAP_FIXED | MAP_HUGETLB, ~0u, 0},
    {"mmap_low", SYS_mmap, 0, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_kernel_half", SYS_mmap, 0xffff800000000000, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0},
    {"mmap_flags_high_word", SYS_mmap, kGuest, kPage, kReadWrite, kAnonymous | MAP_FIXED | 1ull << 32, ~0u,
     0},
    {"munmap_arena", SYS_munmap, kArena, kPage, 0, 0, 0, 0},
    {"munmap_kernel", SYS_munmap, kKernelText, kPage, 0, 0, 0, 0},
    {"munmap_length_wraps", SYS_munmap, kGuest, -kPage, 0, 0, 0, 0},
    {"munmap_up_to_arena", SYS_munmap, 0x500000000000, kArena - 0x500000000000 + kPage, 0, 0, 0, 0},
    {"mprotect_kernel", SYS_mprotect, kKernelText, 1 << 20, 7, 0, 0, 0},
    {"mprotect_arena", SYS_mprotect, kArena, kPage, 0, 0, 0, 0},
    {"mprotect_length_wraps", SYS_mprotect, kGuest, -kPage, 7, 0, 0, 0},
    {"mprotect_grows", SYS_mprotect, kGuest, kPage, kReadWrite | PROT_GROWSDOWN, 0, 0, 0},
    {"mremap_may_move", SYS_mremap, kGuest, kPage, 2 * kPage, MREMAP_MAYMOVE, 0, 0},
    {"mremap_from_arena", SYS_mremap, kArena, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, kGuest, 0},
    {"mremap_to_arena", SYS_mremap, kGuest, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, kArena, 0},
    {"mremap_to_kernel", SYS_mremap, kGuest, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, kKernelText, 0},
    {"mremap_dontunmap", SYS_mremap, kGuest, kPage, kPage, MREMAP_MAYMOVE | 4, 0, 0},
    {"mremap_new_length_wraps", SYS_mremap, kGuest, kPage, -kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
     kGuest + kPage, 0},
    {"madvise_arena", SYS_madvise, kArena, kPage, MADV_DONTNEED, 0, 0, 0},
    {"madvise_kernel", SYS_madvise, kKernelText, kPage, MADV_DONTNEED, 0, 0, 0},
    {"madvise_remove", SYS_madvise, kGuest, kPage, MADV_REMOVE, 0, 0, 0},
    {"madvise_poison", SYS_madvise, kGuest, kPage, MADV_HWPOISON, 0, 0, 0},
    {"madvise_mergeable", SYS_madvise, kGuest, kPage, MADV_MERGEABLE, 0, 0, 0},
    {"madvise_dontdump", SYS_madvise, kGuest, kPage, MADV_DODUMP, 0, 0, 0},
    {"msync_arena", SYS_msync, kArena, kPage, MS_SYNC, 0, 0, 0},
    {"brk", SYS_brk, kGuest, 0, 0, 0, 0, 0},
    {"mlockall", SYS_mlockall, MCL_CURRENT, 0, 0, 0, 0, 0},
    {"remap_file_pages", SYS_remap_file_pages, kGuest, kPage, 0, 0, 0, 0},
    {"process_vm_writev", SYS_process_vm_writev, 1, 0, 0, 0, 0, 0},
    {"userfaultfd", SYS_userfaultfd, 1, 0, 0, 0, 0, 0},
    {"pkey_mprotect", SYS_pkey_mprotect, kKernelText, kPage, 7, ~0ull, 0, 0},
};

// A page of its own, by an allowed call, so that what is done to it is refused for its form and not for lack
// of it.
void map_a_page() {
  long p = host_call(SYS_mmap, kGuest, kPage, kReadWrite, kAnonymous | MAP_FIXED, ~0u, 0);
  if (p != static_cast<long>(kGuest)) report("no page: %ld", p);
}

// A host descriptor's file, mapped shared: over the arena it must not go, and no base image may be writable.
void map_descriptor(int fd) {
  for (uint64_t address : {kArena, kKernelText, kMailbox}) {
    must_fail(host_call(SYS_mmap, address, kPage, kReadWrite, MAP_SHARED | MAP_FIXED, fd, 0));
  }
}

void map_descriptor_unfixed(int fd) {
  must_fail(host_call(SYS_mmap, kGuest, kPage, PROT_READ, MAP_SHARED, fd, 0));
}

}  // namespace

Suite memory_suite() {
  Suite suite;
  for (const Row& row : kRows) {
    suite.push_back({row.name, [&row] {
                       map_a_page();
                       must_fail(host_call(row.number, row.a, row.b, row.c, row.d, row.e, row.f));
                     }});
  }
  for (int fd = 0; fd < kMostFds; fd++) {
    suite.push_back({"map_fd_over_kernel_" + std::to_string(fd), [fd] { map_descriptor(fd); }});
    suite.push_back({"map_fd_unfixed_" + std::to_string(fd), [fd] { map_descriptor_unfixed(fd); }});
  }
  return suite;
}

}  // namespace hostile
