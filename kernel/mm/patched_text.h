// PatchedText: the system call sites of one file that have proven to be such, and copies of its text in which
// they jump to stubs instead of trapping. docs/patched-text.md has the design; this class knows the file,
// patch.cc the address spaces.
//
// A site is one of two forms. `mov $nr, %eax` (5 bytes, or 7 as `mov $nr, %rax`) right before the `syscall`:
// in a copy the mov is a jump to the site's stub, which loads the return address and the number and goes to
// the gate; the `syscall` stays. Else the `syscall` itself becomes a short jump into filler nearby that
// nothing executes, in which a jump to the stub stands; the stub then has a `syscall` of its own.
//
// Text and stubs refer to each other by distance, so a copy serves all processes, and the stubs have to be at
// one distance from the text in all of them: stub_delta, counted from where the file's first byte would be.
//
// Lock: `lock` (sleeping), taken after Mm::map_lock_.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/vector.h"
#include "kernel/host/user_copy.h"
#include "kernel/mm/address_hints.h"
#include "kernel/mm/page_file.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge {

constexpr size_t kSyscallLength = 2;

// The mov before a trapping `syscall`, decoded from the bytes that end with that.
struct MovForm {
  uint8_t length = 0;  // 0: there is none
  static constexpr size_t kBytes = 10;
};
MovForm decode_mov_form(const uint8_t (&bytes)[MovForm::kBytes], uint64_t number);

// A site of a file: `offset` of its first changed byte.
struct TextSite {
  static constexpr uint64_t kNoFiller = ~uint64_t{0};
  uint64_t offset = 0;
  uint64_t filler = kNoFiller;  // offset of what holds the jump to the stub, if the syscall is a jump to that
  uint32_t number = 0;          // of the mov form
  uint8_t length = 0;           // that of the mov, or of the syscall

  bool has_filler() const { return filler != kNoFiller; }
  // Of the instruction behind the syscall.
  uint64_t end() const { return offset + length + (has_filler() ? 0 : kSyscallLength); }
};

class PatchedText : public RefCounted<PatchedText> {
 public:
  static constexpr uint64_t kStubArea = 64 << 10;
  static constexpr uint32_t kStubSize = 24;
  static constexpr uint32_t kFirstStub = 64;  // before it: the address of the gate
  static constexpr uint32_t kMaxSites = (kStubArea - kFirstStub) / kStubSize;

  // For contents of version `version`; stubs go to the gate at `gate`.
  static Result<Ref<PatchedText>> create(PageFile& file, MemoryAccount& account, uint64_t version,
                                         uint64_t gate);
  PatchedText(PageFile& file, MemoryAccount& account, uint64_t version, Ref<PageObject> stubs)
      : version(version), stubs(std::move(stubs)), file_(file), account_(account) {}

  const uint64_t version;  // of Inode::content_version
  const Ref<PageObject> stubs;
  SleepMutex lock;

  // Held: lock.
  bool placed = false;
  int64_t stub_delta = 0;

  // How many have been learnt; without the lock, a hint.
  uint32_t site_count() const { return site_count_.load(std::memory_order_relaxed); }
  bool knows(uint64_t offset) const;
  // Whether no site uses the filler that begins at `offset`.
  bool filler_is_free(uint64_t offset) const;
  // Remembers a site and writes its stub. ENOSPC: no more stubs, or too far from them.
  Result<void> add_site(const TextSite& site);

  // Where a task that is at `position` in the stubs, or at `offset` in the text, is for its program: an
  // offset in the text. kNowhere: not in a stub, or not in filler that is in use.
  static constexpr uint64_t kNowhere = ~uint64_t{0};
  uint64_t origin_of_stub(uint64_t position) const;
  uint64_t origin_of_filler(uint64_t offset) const;
  bool uses_filler() const { return uses_filler_; }

  // Offsets behind calls that trap and cannot be helped, so that nobody looks for filler again.
  AddressHints<64> hopeless;

  // The copy of the page at `offset` with all sites that are known in it; made from `current` when the last
  // one lacks some.
  Result<Ref<PageObject>> page_copy(uint64_t offset, std::span<uint8_t, kPageSize> current);

  // The whole of a text segment. Pages that have newer copies than it are listed by newer_pages.
  struct Master {
    uint64_t offset = 0;  // of the segment in the file
    RefPtr<PageObject> text;
    uint32_t sites = 0;  // how many of the sites it has
  };
  const Master& master() const { return master_; }
  // Whether so much has been learnt since it was made that a new one pays, for a segment of `length`.
  bool master_is_due(uint64_t length) const;
  // From the segment as it is mapped at `text`.
  Result<void> build_master(UserAddr text, uint64_t offset, uint64_t length);

  struct PageCopy {
    uint64_t offset;  // in the file
    Ref<PageObject> copy;
    uint32_t sites;  // all sites below this number that lie in the page are in the copy
  };
  // Copies with sites that the master lacks.
  template <typename F>
  void for_each_newer_page(F f) const {
    for (const PageCopy& p : pages_)
      if (p.sites > master_.sites && last_site_in(p.offset) > master_.sites) f(p);
  }
  // One of these was mapped.
  void count_newer_page_use() { newer_page_uses_++; }

 private:
  static uint64_t stub_position(size_t index) { return kFirstStub + index * kStubSize; }
  // One more than the number of the last site in the page; 0: none.
  uint32_t last_site_in(uint64_t page) const;
  // Changes a page, or more, of text from `offset` on; nothing where the bytes are not what they were when
  // the site was learnt.
  void patch(size_t index, uint64_t offset, std::span<uint8_t> text) const;

  PageFile& file_;
  MemoryAccount& account_;
  Vector<TextSite> sites_;            // the number of a site is that of its stub
  Vector<PageCopy> pages_;            // the latest of each page
  Vector<Ref<PageObject>> outdated_;  // earlier ones, which processes may still have mapped
  Master master_;
  bool uses_filler_ = false;
  uint64_t newer_page_uses_ = 0;  // since the master was made
  std::atomic<uint32_t> site_count_{0};
};

}  // namespace lodge
