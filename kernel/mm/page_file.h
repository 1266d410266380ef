// PageFile: the second memory file of a VPS, and who has which part of it: tmpfs contents, shared anonymous
// memory, copies of patched text. A range that nobody has is a hole in it, and reads as zeros when it is
// given out. Its first pages are the kernel itself, where the host has huge pages (boot_loader.cc).
//
// The file is far larger than memory, so ranges are never short and a range that cannot be noted as free (the
// arena is full) is punched and forgotten. What is charged is the owner's affair
// (MemoryAccount::charge_page_file). Lock: kPageFile, for the free ranges. Not held across host calls.
#pragma once
#include <cstdint>

#include "kernel/base/arena.h"
#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/base/rbtree.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/mm/account.h"

namespace lodge {

class PageFile {
 public:
  static constexpr KernelPart kPart = KernelPart::kPageFile;
  // The first `taken` bytes are the kernel's own. The first `kept` bytes, which may be more, are one huge
  // page that stays one: what is freed there is zeroed, not given back to the host. Whole pages both.
  explicit PageFile(uint64_t size, uint64_t taken = 0, uint64_t kept = 0)
      : size_(size), kept_(kept), unused_from_(taken) {}
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  // A run of whole pages, all zero, at the returned offset, which is a multiple of `align`. ENOMEM: the arena
  // is full; ENOSPC: the file's range is.
  Result<uint64_t> allocate(uint64_t length, uint64_t align = kPageSize) EXCLUDES(lock_);
  // Gives any part of what was allocated back: its memory goes at once, but for that of the huge page. Nobody
  // may have it mapped.
  void free(uint64_t offset, uint64_t length) EXCLUDES(lock_);

 private:
  struct FreeRange : RbNode {
    uint64_t offset = 0, length = 0;
    uint64_t longest = 0;  // of this subtree
  };
  struct Order {
    static bool less(const FreeRange& a, const FreeRange& b) { return a.offset < b.offset; }
    static void update(FreeRange& r, const FreeRange* left, const FreeRange* right);
  };
  using Tree = RbTree<FreeRange, Order>;
  FreeRange* lowest_of(uint64_t length) REQUIRES(lock_);

  // Makes the range read as zeros.
  Result<void> clear(uint64_t offset, uint64_t length);

  const uint64_t size_;
  const uint64_t kept_;
  Mutex lock_{LockClass::kPageFile};
  Tree free_ GUARDED_BY(lock_);
  uint64_t unused_from_ GUARDED_BY(lock_);  // from here on nothing was ever given out
};

// A part of the page file with one owner, mapped by any number of vmas: shared anonymous memory.
class PageObject : public RefCounted<PageObject> {
 public:
  // Charged to `account` until it goes.
  static Result<Ref<PageObject>> create(PageFile& file, MemoryAccount& account, uint64_t length);
  PageObject(PageFile& file, MemoryAccount& account, uint64_t offset, uint64_t length)
      : file_(file), account_(account), offset_(offset), length_(length) {}
  ~PageObject();

  uint64_t offset() const { return offset_; }  // in the page file
  uint64_t length() const { return length_; }

 private:
  PageFile& file_;
  MemoryAccount& account_;
  const uint64_t offset_;
  const uint64_t length_;
};

}  // namespace lodge
