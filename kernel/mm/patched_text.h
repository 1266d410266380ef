// PatchedText: the system call sites of one file that have proven to be such, and copies of its text in which
// they jump to stubs instead of trapping. docs/patched-text.md has the design; this class knows the file,
// patch.cc the address spaces.
//
// A site is `mov $nr, %eax` (5 bytes, or 7 as `mov $nr, %rax`) followed by `syscall`. In a copy the mov is a
// jump to the site's stub, which loads the return address and the number and goes to the gate; the `syscall`
// stays. Text and stubs refer to each other by distance, so a copy serves all processes, and the stubs have
// to be at one distance from the text in all of them: stub_delta, counted from where the file's first byte
// would be.
//
// Lock: `lock` (sleeping), taken after Mm::map_lock_.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/base/vector.h"
#include "kernel/host/user_copy.h"
#include "kernel/mm/page_file.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge {

// Where a trap came from, if it can be patched: decoded from the bytes that end with the `syscall`.
struct SiteForm {
  uint8_t length = 0;  // of the mov; 0: not a site
  static constexpr size_t kBytes = 10;
  static constexpr size_t kSyscallLength = 2;
};
SiteForm decode_site(const uint8_t (&bytes)[SiteForm::kBytes], uint64_t number);

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

  bool knows(uint64_t offset) const;
  // Remembers a site and writes its stub. `offset`: of the mov in the file. ENOSPC: no more stubs.
  Result<void> add_site(uint64_t offset, uint32_t number, SiteForm form);

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
  // Whether so much has been learnt since it was made that a new one pays.
  bool master_is_due() const;
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

 private:
  struct Site {
    uint64_t offset;
    uint32_t number;
    uint8_t length;
  };
  static uint64_t stub_position(size_t index) { return kFirstStub + index * kStubSize; }
  // One more than the number of the last site in the page; 0: none.
  uint32_t last_site_in(uint64_t page) const;
  // What the site's bytes become in a copy; false if they are not what they were when it was learnt.
  bool patch(size_t index, uint8_t* bytes) const;

  PageFile& file_;
  MemoryAccount& account_;
  Vector<Site> sites_;                // the number of a site is that of its stub
  Vector<PageCopy> pages_;            // the latest of each page
  Vector<Ref<PageObject>> outdated_;  // earlier ones, which processes may still have mapped
  Master master_;
};

}  // namespace lodge
