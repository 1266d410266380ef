// The outer wall's rules, as a program; see filter_build.h for the contract and README.md for the reasons.
//
// Read it from outcomes inwards (bpf_asm.h): a rule is a chain of conditions that ends in allow_, and
// whatever does not hold goes to trap_. Chains share their ends: all mm calls finish in mm_range_, all
// transfers in their file's offset check, so sharing costs no jump on the way and the program stays small.
#include "kernel/host/wall/filter_build.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "kernel/base/layout.h"
#include "kernel/host/wall/bpf_asm.h"

namespace lodge {
namespace {

using Label = BpfAssembler::Label;

// Not in the uapi headers that can be included beside these.
constexpr uint32_t kSigKill = 9;
constexpr uint32_t kSigChld = 17;

constexpr uint32_t kProtAll = PROT_READ | PROT_WRITE | PROT_EXEC;
constexpr uint32_t kMapAnonymous = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;

// CLONE_PARENT makes every process a child of lodge, which reaps and kicks; the tid bits only make the host
// store into the caller's own memory.
constexpr uint32_t kCloneProcess = CLONE_PARENT | kSigChld;
constexpr uint32_t kCloneProcessOptional = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
constexpr uint32_t kCloneThread =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

// A set, because seventeen comparisons in a row are slower than one shift.
constexpr uint32_t kMadviseSet =
    1u << MADV_NORMAL | 1u << MADV_RANDOM | 1u << MADV_SEQUENTIAL | 1u << MADV_WILLNEED |
    1u << MADV_DONTNEED | 1u << MADV_FREE | 1u << MADV_DONTFORK | 1u << MADV_DOFORK | 1u << MADV_HUGEPAGE |
    1u << MADV_NOHUGEPAGE | 1u << MADV_WIPEONFORK | 1u << MADV_KEEPONFORK | 1u << MADV_COLD |
    1u << MADV_PAGEOUT | 1u << MADV_POPULATE_READ | 1u << MADV_POPULATE_WRITE | 1u << MADV_COLLAPSE;

constexpr size_t low_word(int arg) {
  return offsetof(seccomp_data, args) + 8 * arg;
}
constexpr size_t high_word(int arg) {
  return low_word(arg) + 4;
}
constexpr uint32_t low_half(uint64_t v) {
  return static_cast<uint32_t>(v);
}
constexpr uint32_t high_half(uint64_t v) {
  return static_cast<uint32_t>(v >> 32);
}

struct Rule {
  uint32_t number;
  Label check;
};

class WallBuilder {
 public:
  WallBuilder(const WallConfig& config, std::span<sock_filter> out)
      : config_(config),
        asm_(out),
        allow_(asm_.ret(SECCOMP_RET_ALLOW)),
        trap_(asm_.ret(SECCOMP_RET_TRAP)),
        mm_range_(start_in_guest(0, length_bounded(1, allow_))),
        prot_then_range_(prot_check(mm_range_)) {}

  int build() {
    const Label by_number = asm_.load(offsetof(seccomp_data, nr), dispatch());
    const size_t ip = offsetof(seccomp_data, instruction_pointer);
    const Label ours = asm_.load(
        ip + 4, asm_.jeq(high_half(config_.syscall_ip),
                         asm_.load(ip, asm_.jeq(low_half(config_.syscall_ip), by_number, trap_)), trap_));
    const Label kill = asm_.ret(SECCOMP_RET_KILL_PROCESS);
    return asm_.finish(asm_.load(offsetof(seccomp_data, arch), asm_.jeq(AUDIT_ARCH_X86_64, ours, kill)));
  }

 private:
  // --- conditions; each goes to `yes` when it holds and to trap_ when not ---

  // The host reads some arguments as 32 bits, some as 64; a clean high word makes both the same.
  Label high_word_clear(int arg, Label yes) { return asm_.load(high_word(arg), asm_.jeq(0, yes, trap_)); }

  Label start_in_guest(int arg, Label yes) {
    const Label low = asm_.load(low_word(arg), asm_.jge(low_half(config_.guest_begin), yes, trap_));
    return asm_.load(high_word(arg), asm_.jge(high_half(config_.guest_end), trap_, asm_.jeq(0, low, yes)));
  }

  Label length_bounded(int arg, Label yes) {
    const uint32_t most = high_half(config_.max_len);
    const Label edge = asm_.jeq(most, asm_.load(low_word(arg), asm_.jeq(0, yes, trap_)), trap_);
    return asm_.load(high_word(arg), asm_.jge(most, edge, yes));
  }

  Label below(int arg, uint64_t bound, Label yes) {
    const uint32_t high = high_half(bound), low = low_half(bound);
    if (low == 0) return asm_.load(high_word(arg), asm_.jge(high, trap_, yes));
    const Label edge = asm_.jeq(high, asm_.load(low_word(arg), asm_.jge(low, trap_, yes)), trap_);
    return asm_.load(high_word(arg), high == 0 ? edge : asm_.jge(high, edge, yes));
  }

  Label prot_check(Label yes) {
    return asm_.load(low_word(2), asm_.jgt(kProtAll, trap_, high_word_clear(2, yes)));
  }

  // --- files ---

  // Goes on to checks[i] when the fd is that of file i; a label of 0 means that the file may not be used so.
  Label by_file(int arg, const Label (&checks)[kMaxWallFiles]) {
    Label next = trap_;
    for (uint32_t i = config_.file_count; i-- > 0;) {
      if (checks[i].from_end != 0)
        next = asm_.jeq(static_cast<uint32_t>(config_.files[i].fd), checks[i], next);
    }
    return high_word_clear(arg, asm_.load(low_word(arg), next));
  }

  bool writable(uint32_t file) const { return config_.files[file].access == WallAccess::kReadWrite; }

  // --- rules ---

  Label futex() {
    Label op = trap_;
    for (const uint32_t ok : {FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, FUTEX_WAKE_BITSET, FUTEX_WAIT,
                              FUTEX_WAIT_BITSET, FUTEX_WAKE}) {
      op = asm_.jeq(ok, allow_, op);
    }
    return high_word_clear(1, asm_.load(low_word(1), asm_.and_constant(~uint32_t{FUTEX_PRIVATE_FLAG}, op)));
  }

  Label mmap() {
    Label any[kMaxWallFiles] = {}, shared[kMaxWallFiles] = {};
    const Label not_writing = asm_.load(low_word(2), asm_.jset(PROT_WRITE, trap_, prot_then_range_));
    for (uint32_t i = 0; i < config_.file_count; i++) {
      any[i] = prot_then_range_;
      shared[i] = writable(i) ? prot_then_range_ : not_writing;
    }
    Label flags = asm_.jeq(MAP_SHARED | MAP_FIXED, by_file(4, shared), trap_);
    flags = asm_.jeq(MAP_PRIVATE | MAP_FIXED, by_file(4, any), flags);
    flags = asm_.jeq(kMapAnonymous | MAP_NORESERVE, prot_then_range_, flags);
    flags = asm_.jeq(kMapAnonymous, prot_then_range_, flags);
    return high_word_clear(3, asm_.load(low_word(3), flags));
  }

  Label mremap() {
    const Label in_place = length_bounded(2, mm_range_);
    const Label moved = start_in_guest(4, in_place);
    const Label flags = asm_.jeq(0, in_place, asm_.jeq(MREMAP_MAYMOVE | MREMAP_FIXED, moved, trap_));
    return high_word_clear(3, asm_.load(low_word(3), flags));
  }

  Label madvise() {
    const Label in_set = asm_.jset(kMadviseSet, mm_range_, trap_);
    const Label advice = asm_.copy_to_x(asm_.load_constant(1, asm_.shift_by_x(in_set)));
    const Label guests = high_word_clear(2, asm_.load(low_word(2), asm_.jge(32, trap_, advice)));
    // The kernel's own: one huge page of the arena.
    const Label one_page = high_word_clear(1, asm_.load(low_word(1), asm_.jeq(kHugePageSize, allow_, trap_)));
    const Label collapse =
        high_word_clear(2, asm_.load(low_word(2), asm_.jeq(MADV_COLLAPSE, one_page, trap_)));
    return asm_.load(high_word(0), asm_.jeq(high_half(config_.arena_begin), collapse, guests));
  }

  Label msync() {
    const Label flags = asm_.jeq(MS_SYNC, mm_range_, asm_.jeq(MS_ASYNC, mm_range_, trap_));
    return high_word_clear(2, asm_.load(low_word(2), flags));
  }

  // preadv2 and pwritev2 are the plain calls with flags: RWF_NOWAIT tells whether the call would sleep, so
  // that the kernel can give its virtual CPU away first. Their offset is pos_l alone; the host shifts pos_h
  // out.
  Label vectored(Label plain) {
    const Label flags = asm_.jeq(RWF_NOWAIT, plain, asm_.jeq(0, plain, trap_));
    return high_word_clear(5, asm_.load(low_word(5), flags));
  }

  Label fallocate(const Label (&extents)[kMaxWallFiles]) {
    const Label file = by_file(0, extents);
    Label mode = trap_;
    for (const uint32_t ok : {FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE, 0,
                              FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE}) {
      mode = asm_.jeq(ok, file, mode);
    }
    return high_word_clear(1, asm_.load(low_word(1), mode));
  }

  Label clone() {
    const Label process = asm_.and_constant(~kCloneProcessOptional, asm_.jeq(kCloneProcess, allow_, trap_));
    const Label flags =
        asm_.jeq(kCloneThread | CLONE_PARENT_SETTID, allow_, asm_.jeq(kCloneThread, allow_, process));
    return high_word_clear(0, asm_.load(low_word(0), flags));
  }

  Label prctl() {
    const Label kill = high_word_clear(1, asm_.load(low_word(1), asm_.jeq(kSigKill, allow_, trap_)));
    return high_word_clear(0, asm_.load(low_word(0), asm_.jeq(PR_SET_PDEATHSIG, kill, trap_)));
  }

  Label arch_prctl() {
    const Label code = asm_.jeq(ARCH_SET_GS, allow_, asm_.jeq(ARCH_SET_FS, allow_, trap_));
    return high_word_clear(0, asm_.load(low_word(0), code));
  }

  Label membarrier() {
    Label command = trap_;
    for (const uint32_t ok :
         {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
          MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, MEMBARRIER_CMD_PRIVATE_EXPEDITED}) {
      command = asm_.jeq(ok, allow_, command);
    }
    const Label no_flags = asm_.load(low_word(1), asm_.jeq(0, asm_.load(low_word(0), command), trap_));
    return high_word_clear(0, high_word_clear(1, no_flags));
  }

  // --- from a number to its rule ---

  Label dispatch() {
    Label reads[kMaxWallFiles] = {}, writes[kMaxWallFiles] = {}, syncs[kMaxWallFiles] = {},
          extents[kMaxWallFiles] = {};
    for (uint32_t i = 0; i < config_.file_count; i++) {
      const uint64_t end = config_.files[i].end;
      reads[i] = below(3, end, allow_);
      if (!writable(i)) continue;
      writes[i] = reads[i];
      syncs[i] = allow_;
      extents[i] = below(2, end, below(3, end + 1, allow_));
    }
    const Label write = by_file(0, writes);
    const Label read = by_file(0, reads);
    Rule cold[] = {
        // ascending
        {__NR_pwrite64, write},
        {__NR_sched_yield, allow_},
        {__NR_mremap, mremap()},
        {__NR_msync, msync()},
        {__NR_mincore, mm_range_},
        {__NR_madvise, madvise()},
        {__NR_exit, allow_},
        {__NR_fdatasync, by_file(0, syncs)},
        {__NR_sigaltstack, allow_},
        {__NR_prctl, prctl()},
        {__NR_arch_prctl, config_.sets_bases ? arch_prctl() : trap_},
        {__NR_restart_syscall, allow_},
        {__NR_clock_gettime, allow_},
        {__NR_exit_group, allow_},
        {__NR_fallocate, fallocate(extents)},
        {__NR_membarrier, membarrier()},
        {__NR_pwritev2, vectored(write)},
    };
    const Rule hot[] = {
        // least frequent first, as it is emitted
        {__NR_clone, clone()},
        {__NR_preadv2, vectored(read)},
        {__NR_mprotect, prot_then_range_},
        {__NR_munmap, mm_range_},
        {__NR_mmap, mmap()},
        {__NR_pread64, read},
        {__NR_futex, futex()},
    };
    // What this host has no need of is no rule at all.
    Rule* end = std::remove_if(std::begin(cold), std::end(cold), [this](const Rule& rule) {
      return (rule.number == __NR_arch_prctl && !config_.sets_bases) ||
             (rule.number == __NR_clock_gettime && !config_.reads_clocks);
    });
    Label next = search({cold, end}, 0, std::numeric_limits<uint32_t>::max());
    for (const Rule& rule : hot) next = asm_.jeq(rule.number, rule.check, next);
    return next;
  }

  // By halving. The number is known to be in [from, to), so the last step may have nothing left to ask.
  Label search(std::span<const Rule> rules, uint32_t from, uint32_t to) {
    if (rules.size() == 1) {
      return to - from == 1 ? rules[0].check : asm_.jeq(rules[0].number, rules[0].check, trap_);
    }
    const size_t middle = rules.size() / 2;
    const uint32_t border = rules[middle].number;
    const Label low = search(rules.first(middle), from, border);
    const Label high = search(rules.subspan(middle), border, to);
    return asm_.jge(border, high, low);
  }

  const WallConfig& config_;
  BpfAssembler asm_;
  const Label allow_;
  const Label trap_;
  const Label mm_range_;
  const Label prot_then_range_;
};

}  // namespace

int build_wall_filter(const WallConfig& config, std::span<sock_filter> out) {
  if (!wall_config_valid(config)) return kWallBadConfig;
  const int length = WallBuilder(config, out).build();
  return length < 0 ? kWallNoSpace : length;
}

}  // namespace lodge
