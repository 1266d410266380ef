// Vma: one mapped range of an address space, and what the host has been told to map there.
//
// Kinds: a file's (file and inode set), shared anonymous memory (object set), private anonymous memory
// (neither). Written under Mm::map_lock_ together with Mm::tree_lock_; read under either.
#pragma once
#include <cstdint>

#include "kernel/abi/mman.h"
#include "kernel/base/arena.h"
#include "kernel/base/layout.h"
#include "kernel/base/rbtree.h"
#include "kernel/base/ref.h"
#include "kernel/file/file.h"
#include "kernel/file/inode.h"
#include "kernel/mm/page_file.h"
#include "kernel/mm/patched_text.h"

namespace lodge {

class Mm;

enum VmaFlags : uint16_t {
  kVmaShared = 1 << 0,
  kVmaGrowsDown = 1 << 1,  // a stack: grows on fault, with a guard gap below
  kVmaLocked = 1 << 2,     // mlock: accounted, populated
  kVmaNoReserve = 1 << 3,  // not charged
  kVmaCharged = 1 << 4,    // its pages are charged to the memory account; stays when it becomes read-only
  kVmaMayWrite = 1 << 5,   // mprotect may make it writable
  kVmaDontFork = 1 << 6,
  kVmaWipeOnFork = 1 << 7,
  kVmaDontDump = 1 << 8,
  kVmaHoles = 1 << 9,    // the host may lack some of its pages; a fault asks map_extent again
  kVmaCopied = 1 << 10,  // of a file in too many extents: the host has a private copy
  kVmaStub = 1 << 11,    // stubs of patched text: no guest knows of it
};

struct Vma : RbNode, InodeMapping {
  static constexpr SlabId kSlab = SlabId::kVma;

  uint64_t start = 0;
  uint64_t end = 0;
  uint8_t prot = 0;  // PROT_READ, WRITE, EXEC
  uint16_t flags = 0;
  Inode* vma_inode = nullptr;  // what `file` maps; it keeps it alive
  RefPtr<File> file;
  RefPtr<PageObject> object;
  uint64_t offset =
      0;  // of `start` in the file or the object; of a stub area: where its file's first byte would be
  RefPtr<PatchedText>
      patch;  // of text: some pages are copies with patched sites; of a stub area: whose stubs
  RefPtr<PageObject> master;  // of text: the copy that it is mapped from, if as a whole
  uint32_t patched_sites =
      0;  // how many of the file's sites jump here; there may be more that were learnt here

  Vma* below = nullptr;  // neighbours by address
  Vma* above = nullptr;
  uint64_t max_gap = 0;  // largest gap just below a vma of this subtree

  bool has(uint16_t f) const { return (flags & f) != 0; }
  uint64_t length() const { return end - start; }
  uint64_t pages() const { return (end - start) >> kPageShift; }
  bool anonymous() const { return !vma_inode && !object; }
  bool private_anonymous() const { return anonymous() && !has(kVmaShared); }
  uint64_t offset_of(uint64_t addr) const { return offset + (addr - start); }

  uint64_t gap_below() const;  // free, and not kept off by a stack's guard
};

// Linux's stack_guard_gap: nothing is placed this close below a stack.
constexpr uint64_t kStackGuardGap = 256 * kPageSize;

constexpr uint64_t page_floor(uint64_t a) {
  return a & ~(kPageSize - 1);
}
constexpr uint64_t page_ceil(uint64_t a) {
  return (a + kPageSize - 1) & ~(kPageSize - 1);
}
constexpr bool page_aligned(uint64_t a) {
  return (a & (kPageSize - 1)) == 0;
}

}  // namespace lodge
