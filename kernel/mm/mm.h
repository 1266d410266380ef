// Mm: one guest address space, which is one host process's. Its vmas say what the guest has mapped; each
// operation changes them and tells the host the same, so that what the host pages is what the vmas say.
//
// Who may call: operations that change mappings act on the host process of the caller, so only a task whose
// Mm this is may call them (those are marked "own"). Everything else may be called by anybody who holds a
// reference.
//
// Locks: map_lock_ (sleeping) serializes all changes and is held across the host's calls. It ranks below an
// inode's io_lock, which is taken first wherever a file gets mapped: map_extent's answer must hold until the
// host has it. tree_lock_ (kMm) covers the moments when the tree changes, so that readers need no map_lock_.
// Objects that leave the tree are released after both, since releasing may sleep. Linux: mm/mmap.c,
// mm/mremap.c, mm/mprotect.c.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/host/user_copy.h"
#include "kernel/mm/account.h"
#include "kernel/mm/address_hints.h"
#include "kernel/mm/page_file.h"
#include "kernel/mm/vma_tree.h"
#include "kernel/sched/sleep_lock.h"

namespace lodge {

// What all address spaces of a VPS share.
struct MmSystem {
  static constexpr KernelPart kPart = KernelPart::kMm;
  MmSystem(PageFile& pages, uint64_t memory_bytes) : page_file(pages), account(memory_bytes) {}

  PageFile& page_file;
  MemoryAccount account;
  // Where stubs of patched sites go; 0: nothing is patched (--trap-only). Set before the first guest runs.
  uint64_t gate = 0;
  // Mappings above kGuestEnd that every process has: shown in maps, never the guest's to change. In order of
  // address; set before the first guest runs.
  struct SpecialMapping {
    uint64_t start = 0, end = 0;
    uint8_t prot = 0;
    const char* name = nullptr;  // "[vdso]"
  };
  SpecialMapping special[2];
  Mutex patch_lock{LockClass::kPatchedText};  // Inode::patched_text of all inodes
};

// Resource limits that the address space looks at, in bytes; kept current by setrlimit and exec.
struct MmLimits {
  uint64_t address_space = ~0ull;  // RLIMIT_AS
  uint64_t data = ~0ull;           // RLIMIT_DATA
  uint64_t stack = 8 << 20;        // RLIMIT_STACK
  uint64_t locked = 8 << 20;       // RLIMIT_MEMLOCK
};

struct MapRequest {
  uint64_t hint = 0;  // the address itself with kMapFixed
  uint64_t length = 0;
  uint32_t prot = 0;   // kProt*
  uint32_t flags = 0;  // kMap*
  RefPtr<File> file;   // null: anonymous
  uint64_t offset = 0;
  bool may_lock_freely = false;  // CAP_IPC_LOCK
};

// A memory access that the host refused.
struct FaultAccess {
  bool write = false;
  bool exec = false;
  bool host_sigbus = false;  // the host said SIGBUS: a page that should be there cannot be had
  bool in_kernel = false;    // in a copy to or from the guest: locks of inodes may be held
};
enum class FaultResult : uint8_t {
  kRetry,      // resolved, try again
  kNoMapping,  // SIGSEGV, SEGV_MAPERR
  kNoAccess,   // SIGSEGV, SEGV_ACCERR
  kBusError,   // SIGBUS, BUS_ADRERR
};

struct MmCounters {  // pages
  uint64_t total = 0, data = 0, stack = 0, exec = 0, shared = 0, locked = 0, peak = 0;
};

class Mm final : public RefCounted<Mm>, public MappingOwner {
 public:
  static constexpr SlabId kSlab = SlabId::kMm;
  static constexpr size_t kMaxMappings = 65530;  // vm.max_map_count
  static constexpr unsigned kMaxExtents = 64;    // of a file in one mapping, before it is mapped as a copy
  static constexpr uint64_t kHugeAlign =
      kHugePageSize;  // large anonymous mappings start where the host has huge pages

  // An empty address space; `seed` places stack, mappings and heap at random.
  static Result<Ref<Mm>> create(MmSystem& system, uint64_t seed, const MmLimits& limits);
  Mm(MmSystem& system, uint64_t seed, const MmLimits& limits);
  ~Mm();

  // --- own: mmap(2) and friends. Arguments are the guest's, unchecked; errors are what the man pages say.
  Result<uint64_t> map(const MapRequest& request);
  Result<void> unmap(uint64_t start, uint64_t length);
  Result<void> protect(uint64_t start, uint64_t length, uint32_t prot);
  struct RemapRequest {
    uint64_t old_start = 0, old_length = 0, new_length = 0;
    uint32_t flags = 0;
    uint64_t new_start = 0;
    bool may_lock_freely = false;  // CAP_IPC_LOCK
    bool populate = false;         // out: it is locked, so what is new has been populated
  };
  Result<uint64_t> remap(const RemapRequest& request);
  // Moves the end of the heap and returns where it is now: unmoved on failure, as brk(2) says it.
  uint64_t brk(uint64_t new_end);
  Result<void> advise(uint64_t start, uint64_t length, int advice);
  Result<void> sync(uint64_t start, uint64_t length, uint32_t flags);
  // One byte per page; at most out.size() pages.
  Result<void> in_core(uint64_t start, std::span<uint8_t> out);
  enum class OnFault : bool { kPopulate, kOnFault };
  Result<void> lock(uint64_t start, uint64_t length, OnFault on_fault, bool may_lock_freely);
  Result<void> unlock(uint64_t start, uint64_t length);
  Result<void> lock_all(uint32_t mcl_flags, bool may_lock_freely);
  Result<void> unlock_all();
  // Makes the pages of a range present, as far as that goes.
  void populate(uint64_t start, uint64_t length);

  // --- own: what the task core does.
  FaultResult handle_fault(uint64_t addr, FaultAccess access);
  // Resolves what can be resolved in a buffer that the host refused with EFAULT. False: nothing changed.
  bool fault_in(uint64_t addr, size_t length, FaultAccess access);
  // Between the two, the caller clones the host process (or gives the child up: then it drops `child`). The
  // child starts with copies of all vmas; the host copies the pages.
  Result<Ref<Mm>> begin_fork();
  void end_fork();
  // exec in place: takes all of guest memory down and draws new places.
  void reset(uint64_t seed);

  // A system call has trapped at the `syscall` that ends at `ip`: replaces it by a jump, if that can be done
  // (patch.cc).
  void learn_site(uint64_t ip, uint64_t number);
  // If `ip` is in a stub, or on the way to one: where the task is for its program, at the site (where the
  // call begins anew) or behind it. Else 0.
  uint64_t patch_origin(uint64_t ip);

  // --- own: what the loader builds.
  uint64_t stack_top() const { return stack_top_; }  // first address above the place of the stack
  // Maps the stack, `initial` bytes below stack_top(), growing down on faults.
  Result<uint64_t> map_stack(uint64_t initial, uint32_t prot);
  // The heap starts at `addr` or a random bit above.
  void set_heap(uint64_t addr);
  // Where a program that does not say where (ET_DYN) goes: random, with `length` free above; 0 if nothing
  // fits.
  uint64_t place_program(uint64_t length, uint64_t align);

  // --- anybody.
  MmCounters counters();
  uint64_t heap_start() const { return heap_start_; }
  uint64_t heap_end() const { return heap_end_; }
  MmLimits limits;  // written by its tasks alone
  // Where the loader put the strings and the auxiliary vector (/proc/PID/cmdline, environ, auxv).
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0, auxv_start = 0, auxv_end = 0;
  // Grows with each exec in place: who might look into the program before it may not look into the next.
  uint32_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::atomic<int32_t> membarriers{0};  // registered commands of membarrier(2)
  MmSystem& system() { return system_; }

  // What a shared futex or the like at `addr` is keyed by: the object behind the mapping and the place in it.
  struct Place {
    const void* object = nullptr;  // the Mm itself for private memory
    uint64_t offset = 0;
    RefPtr<Inode> inode;       // keeps object alive, as far as
    RefPtr<PageObject> pages;  // one of them does
  };
  Result<Place> place_of(uint64_t addr);         // EFAULT
  bool is_mapped(uint64_t start, uint64_t end);  // without a gap
  // A copy of the first vma that ends above `addr`, for readers who walk on from its end (kernel/mm/maps.h).
  struct VmaView {
    uint64_t start = 0, end = 0, offset = 0;
    uint8_t prot = 0;
    uint16_t flags = 0;
    RefPtr<File> file;
    bool shared_anonymous = false;
  };
  bool view(uint64_t addr, VmaView& out);
  // Between its memory and a buffer in the arena; waits for one of its threads if it is not the caller's own
  // (remote.cc). Short at the first page that is not there; EIO if that is the first of all. Nothing once
  // `generation` is over.
  enum class Direction : uint8_t { kRead, kWrite };
  Result<size_t> copy_remote(Direction direction, uint32_t generation, uint64_t address,
                             std::span<char> buffer);

  // MappingOwner
  bool try_pin() override { return try_ref(); }
  void unpin() override { unref(); }
  void invalidate(Inode& inode, uint64_t offset, uint64_t length, Invalidation how) override;
  // own: does what another process has posted for this one (shootdown.cc, remote.cc).
  void run_shootdown();
  void run_remote_copy();

 private:
  friend class MmTestPeer;

  // What left the tree, to be released when no lock is held.
  class Graveyard {
   public:
    ~Graveyard();
    void bury(Vma& v) {
      v.above = dead_;
      dead_ = &v;
    }
    void bury_all(Vma* chain) { dead_ = chain; }  // of an empty one

   private:
    Vma* dead_ = nullptr;
  };

  // shootdown.cc
  struct Shootdown {
    enum : uint32_t { kIdle, kPosted, kRunning, kDone };
    static constexpr uint32_t kRanges = 16;
    std::atomic<uint32_t> state{kIdle};
    uint32_t count = 0;  // written by who holds map_lock_, while idle
    struct {
      uint64_t start, end;
    } ranges[kRanges];
    WaitQueue done;
  };
  void shoot();

  // remote.cc
  struct RemoteCopy {
    enum : uint32_t { kIdle, kPosted, kRunning, kDone };
    SleepMutex turn;  // one request at a time
    std::atomic<uint32_t> state{kIdle};
    // This and below: written by the requester while idle, `done` while running.
    Direction direction = Direction::kRead;
    uint32_t generation = 0;
    uint64_t address = 0;
    char* buffer = nullptr;
    size_t length = 0, done = 0;
    WaitQueue finished;
  };

  // mm.cc
  void draw_layout(uint64_t seed);
  uint64_t random(uint64_t below);
  Result<Vma*> new_vma();
  void link(Vma& v);
  void unlink(Vma& v, Graveyard& dead);
  void unlink_all(Graveyard& dead);  // `dead` is empty
  void resize(Vma& v, uint64_t start, uint64_t end);
  void set_attributes(Vma& v, uint8_t prot, uint16_t flags);
  void count(const Vma& v, int64_t pages);
  static void copy_attributes(Vma& to, const Vma& from);
  Result<void> split(Vma& v, uint64_t addr);
  // Splits at both ends: afterwards every vma is inside or outside. Changes nothing that a guest could see.
  Result<void> cut_out(uint64_t start, uint64_t end);
  void merge_around(uint64_t start, uint64_t end, Graveyard& dead);
  static bool can_merge(const Vma& low, const Vma& high);
  bool covered(uint64_t start, uint64_t end) const;
  uint64_t pages_in(uint64_t start, uint64_t end, uint16_t flag) const;

  // map.cc
  struct Plan {  // a mapping to be made
    Vma vma;     // as it will be
    bool may_lock_freely = false;
    Vma* replaced = nullptr;  // the lowest vma that it overlaps
  };
  Result<void> check_file(const MapRequest& request, Plan& plan);
  bool is_free(uint64_t start, uint64_t end) const;
  Result<uint64_t> choose_address(const MapRequest& request, uint64_t length) const;
  Result<void> check_limits(const Plan& plan);
  Result<void> insert_mapping(Plan& plan, Graveyard& dead);
  Result<uint64_t> map_locked(const MapRequest& request, Plan& plan, Graveyard& dead);
  Result<void> unmap_locked(uint64_t start, uint64_t end, Graveyard& dead);

  // host_map.cc
  struct Filled {
    uint64_t end;    // first address that is not mapped for want of something to map
    uint16_t flags;  // kVmaHoles, kVmaCopied: what the vma is from now on
  };
  Result<Filled> host_map(const Vma& v, uint64_t start, uint64_t end);
  Result<Filled> host_map_file(const Vma& v, uint64_t start, uint64_t end);
  Result<Filled> host_copy_file(const Vma& v, uint64_t start, uint64_t end);
  void host_drop(uint64_t start, uint64_t end);
  Result<void> host_protect(const Vma& v, uint64_t start, uint64_t end, uint8_t prot);
  Result<void> host_move(uint64_t from, uint64_t to, uint64_t length, uint64_t& moved);
  static bool host_has(uint64_t page);

  // patch.cc
  enum class IfMissing : uint8_t { kLeave, kMake };
  bool patchable(const Vma& v) const;
  RefPtr<PatchedText> patched_text_of(Inode& inode, IfMissing missing);
  void reserve_stub_area(uint64_t at);
  uint64_t find_stub_place(const Vma& v) const;
  Vma* stub_area_for(const Vma& v, PatchedText& text);
  Result<Filled> host_map_text(Vma& v);
  bool map_master(Vma& v, PatchedText& text);
  void map_newer_pages(Vma& v, PatchedText& text);
  void refresh_patches();
  void patch_page(Vma& v, PatchedText& text, uint64_t page);
  TextSite site_before(const Vma& v, uint64_t ip, uint64_t number) const;
  uint64_t find_site_filler(const Vma& v, uint64_t ip, const PatchedText* text) const;
  void unmap_patched(Vma& v);
  void forget_patch(Vma& v);
  void leave_patches(PatchedText& text, uint64_t first_byte);
  void unpatch(Vma& v);
  void unpatch_range(uint64_t start, uint64_t end);
  void drop_stub_area(Vma& stub, Graveyard& dead);
  void drop_stub_areas(uint64_t start, uint64_t end, Graveyard& dead);

  // protect.cc, fork.cc
  Result<void> protect_vma(Vma& v, uint8_t prot);
  Result<Ref<Mm>> copy_for_child();
  Result<void> copy_vmas(Mm& child);

  // remap.cc
  Result<uint64_t> remap_with_file(RemapRequest& r, Graveyard& dead);
  Result<uint64_t> remap_locked(Vma* v, RemapRequest& r, Graveyard& dead);
  Result<void> check_growth(const Vma& v, const RemapRequest& r);
  Result<bool> grow_in_place(Vma& v, const RemapRequest& r, Graveyard& dead);
  Result<uint64_t> move_mapping(const RemapRequest& r, uint64_t to, Graveyard& dead);
  Result<void> move_pages(const Vma& old, const RemapRequest& r, Vma& made, uint64_t& moved);

  // advise.cc, lock_memory.cc
  Result<void> advise_vma(Vma& v, uint64_t start, uint64_t end, int advice);
  Result<void> advise_populate(uint64_t start, uint64_t end, int advice);
  Result<void> remove_pages(uint64_t start, uint64_t end);
  Result<void> change_lock(uint64_t start, uint64_t end, uint16_t flag);

  // fault.cc
  FaultResult grow_stack(Vma& v, uint64_t addr);
  FaultResult resolve(uint64_t addr, FaultAccess access, const Inode* locked);
  FaultResult fill_hole(Vma& v, uint64_t page, const Inode* locked);
  FaultResult spurious(const Vma& v, uint64_t addr);

  MmSystem& system_;
  SleepMutex map_lock_;
  Shootdown shootdown_;  // its writer holds map_lock_
  RemoteCopy remote_;
  Mutex tree_lock_{LockClass::kMm};
  VmaTree tree_;
  MmCounters counters_;
  std::atomic<uint32_t> generation_{0};
  uint64_t charged_ = 0;  // pages of vmas with kVmaCharged
  uint64_t random_state_ = 0;
  AddressHints<32> hopeless_sites_;  // behind traps that learn_site() could do nothing for
  uint64_t stack_top_ = 0;
  uint64_t map_top_ = 0;  // mappings are placed from here down
  uint64_t anchor_ = 0;   // the page above them that keeps page tables (map_stack), once it is there
  uint64_t heap_start_ = 0, heap_end_ = 0;
  uint16_t default_flags_ = 0;  // mlockall(MCL_FUTURE)
  uint64_t spurious_at_ = 0;    // the last fault that found nothing wrong, and how often in a row
  uint32_t spurious_count_ = 0;
};

}  // namespace lodge
