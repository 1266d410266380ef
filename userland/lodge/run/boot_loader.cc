#include "userland/lodge/run/boot_loader.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "userland/lodge/failure.h"
#include "userland/lodge/run/host_facts.h"

#ifndef MADV_COLLAPSE
  #define MADV_COLLAPSE 25
#endif

namespace lodge {
namespace {

constexpr uint64_t kArenaBytes = 1ull << 30;         // address space; pages come as they are touched
constexpr uint64_t kSmallArenaBytes = 256ull << 20;  // where RLIMIT_AS is tight
constexpr int kFirstVpsFd = 3;                       // host::HostFile

std::filesystem::path own_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

// Strings of the boot information, one behind the other.
class StringArea {
 public:
  StringArea(char* begin, size_t room) : begin_(begin), room_(room) {}
  uint32_t add(const std::string& s) {
    if (used_ + s.size() + 1 > room_) throw Failure("command line and environment are too long");
    std::memcpy(begin_ + used_, s.c_str(), s.size() + 1);
    uint32_t at = static_cast<uint32_t>(used_);
    used_ += s.size() + 1;
    return at;
  }
  size_t used() const { return used_; }

 private:
  char* begin_;
  size_t room_, used_ = 1;  // offset 0 means none
};

FileDescriptor open_image(const std::string& path, uint64_t& size) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw host_failure("cannot open image " + path, errno);
  struct stat st;
  if (fstat(fd.get(), &st) != 0) throw host_failure("cannot stat image " + path, errno);
  if (!S_ISREG(st.st_mode)) throw Failure("image " + path + " is not a regular file");
  if (st.st_size < 4096) throw Failure("image " + path + " is too short to hold a file system");
  if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0)
    throw Failure("image " + path + " is in use by a VPS that writes to it");
  size = static_cast<uint64_t>(st.st_size);
  return fd;
}

uint64_t page_file_bytes(uint64_t memory) {
  uint64_t wanted = std::max<uint64_t>(64ull << 30, memory * 16);
  rlimit fsize;
  if (getrlimit(RLIMIT_FSIZE, &fsize) == 0 && fsize.rlim_cur != RLIM_INFINITY)
    wanted = std::min<uint64_t>(wanted, fsize.rlim_cur & ~0xfffull);
  return wanted;
}

void describe(const RunOptions& o, bool terminal, const Vps& vps, mailbox::Mailbox& m) {
  mailbox::BootInfo& b = m.boot;
  b.magic = mailbox::kMagic;
  b.flags = (terminal ? mailbox::kBootTty : 0u) | (o.trap_only ? mailbox::kBootTrapOnly : 0u) |
            (o.strace ? mailbox::kBootStrace : 0u) | (o.quiet ? mailbox::kBootQuiet : 0u) |
            (o.debug_dumpable ? mailbox::kBootDumpable : 0u) |
            (o.no_fsgsbase || !host_has_fsgsbase() ? mailbox::kBootNoFsgsbase : 0u) |
            (o.clock_calls || !host_reads_clock_without_call() ? mailbox::kBootClockCalls : 0u);
  b.virtual_cpus = static_cast<uint32_t>(vps.host_cpus.size());
  b.cpu_limit_percent = o.cpu_limit_percent;
  b.memory_limit = o.memory_bytes;
  VectorState v = vector_state();
  b.xsave_mask = v.mask;
  b.xsave_size = v.size;
  b.mxcsr_mask = v.mxcsr_mask;
  b.hwcap = getauxval(AT_HWCAP);
  b.hwcap2 = getauxval(AT_HWCAP2);
  b.image_count = static_cast<uint32_t>(vps.images.size());
  b.uid = o.uid;
  b.gid = o.gid.value_or(o.uid);
  if (getrandom(b.seed, sizeof b.seed, 0) != sizeof b.seed) throw host_failure("getrandom", errno);
  StringArea strings(reinterpret_cast<char*>(m.boot_area) + sizeof b, sizeof m.boot_area - sizeof b);
  b.argc = static_cast<uint32_t>(o.command.size());
  for (size_t i = 0; i < o.command.size(); i++) {
    uint32_t at = strings.add(o.command[i]);
    if (i == 0) b.argv = at;
  }
  b.envc = static_cast<uint32_t>(o.environment.size());
  for (size_t i = 0; i < o.environment.size(); i++) {
    uint32_t at = strings.add(o.environment[i]);
    if (i == 0) b.envv = at;
  }
  if (!o.hostname.empty()) b.hostname = strings.add(o.hostname);
  if (!o.working_directory.empty()) b.cwd = strings.add(o.working_directory);
  if (!o.init.empty()) b.init = strings.add(o.init);
  b.strings_length = static_cast<uint32_t>(strings.used());
}

// --- The zygote. Nothing here may return or throw; a failure is a line in the mailbox.

[[noreturn]] void zygote_failed(mailbox::Mailbox& m, const char* what) {
  int n = std::snprintf(m.message, sizeof m.message, "%s: %s", what, std::strerror(errno));
  m.message_length.store(static_cast<uint32_t>(std::clamp<int>(n, 0, sizeof m.message - 1)));
  m.finished.store(2);
  _exit(kExitLodgeFailed);
}

void map_at(mailbox::Mailbox& m, uint64_t at, uint64_t size, int fd, const char* what) {
  void* want = reinterpret_cast<void*>(at);
  if (mmap(want, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != want)
    zygote_failed(m, what);
}

// Where the kernel's pages come from. At best they are the first ones of the page file, in one huge page: a
// fork then copies one entry for them, and a child touches one page. The rest of that huge page is the page
// file's to give out (PageFile). A host that makes no huge page here (before Linux 6.1, or forbidden) gets
// private memory, whose page table entries a fork copies, so that no process faults on kernel text again.
void map_kernel_memory(mailbox::Mailbox& m, const FileDescriptor& pages, uint64_t size) {
  void* want = reinterpret_cast<void*>(kKernelBase);
  map_at(m, kKernelBase, kHugePageSize, pages.get(), "cannot map the kernel");
  if (madvise(want, kHugePageSize, MADV_POPULATE_WRITE) == 0 &&
      madvise(want, kHugePageSize, MADV_COLLAPSE) == 0) {
    m.boot.page_file_taken = size;
    m.boot.page_file_huge = kHugePageSize;
    return;
  }
  if (mmap(want, kHugePageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != want ||
      fallocate(pages.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kHugePageSize) != 0 ||
      munmap(want, kHugePageSize) != 0 ||
      mmap(want, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
          want)
    zygote_failed(m, "cannot map the kernel");
}

// entry.S makes the note: "Lodge", and a number of what lodge and its kernel must agree on.
bool is_our_note(const Elf64_Phdr& p, uint64_t begin, uint64_t end) {
  struct {
    Elf64_Nhdr head{6, 8, 1};
    char name[8] = "Lodge";
    uint64_t interface = LODGE_INTERFACE;
  } __attribute__((packed)) const wanted;
  if (p.p_type != PT_NOTE || p.p_vaddr < begin || p.p_vaddr > end || p.p_filesz > end - p.p_vaddr)
    return false;
  auto* notes = reinterpret_cast<const char*>(p.p_vaddr);
  return memmem(notes, p.p_filesz, &wanted, sizeof wanted) != nullptr;
}

uint64_t load_kernel(mailbox::Mailbox& m, const char* path, const FileDescriptor& pages) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) zygote_failed(m, "cannot open lodge-kernel beside lodge");
  Elf64_Ehdr h;
  Elf64_Phdr ph[16];
  if (pread(fd, &h, sizeof h, 0) != sizeof h || std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
      h.e_phnum > 16 ||
      pread(fd, ph, sizeof ph[0] * h.e_phnum, static_cast<off_t>(h.e_phoff)) !=
          static_cast<ssize_t>(sizeof ph[0] * h.e_phnum)) {
    errno = ENOEXEC;
    zygote_failed(m, "lodge-kernel");
  }
  uint64_t begin = ~0ull, end = 0;
  for (int i = 0; i < h.e_phnum; i++)
    if (ph[i].p_type == PT_LOAD) {
      begin = std::min<uint64_t>(begin, ph[i].p_vaddr & ~0xfffull);
      end = std::max<uint64_t>(end, (ph[i].p_vaddr + ph[i].p_memsz + 0xfff) & ~0xfffull);
    }
  if (begin != kKernelBase || end > kKernelEnd) {
    errno = EFBIG;
    zygote_failed(m, "lodge-kernel does not fit in its place");
  }
  map_kernel_memory(m, pages, end - begin);
  for (int i = 0; i < h.e_phnum; i++)
    if (ph[i].p_type == PT_LOAD &&
        pread(fd, reinterpret_cast<void*>(ph[i].p_vaddr), ph[i].p_filesz,
              static_cast<off_t>(ph[i].p_offset)) != static_cast<ssize_t>(ph[i].p_filesz))
      zygote_failed(m, "cannot read lodge-kernel");
  close(fd);
  if (!std::any_of(ph, ph + h.e_phnum, [&](const Elf64_Phdr& p) { return is_our_note(p, begin, end); })) {
    errno = ENOEXEC;
    zygote_failed(m, "lodge and lodge-kernel are of different builds; build both anew");
  }
  void* want = reinterpret_cast<void*>(begin);
  if (m.boot.page_file_huge) {
    // One mapping, or it would not be one page: constants can be executed, too.
    mprotect(want, kHugePageSize, PROT_READ | PROT_EXEC);
  } else {
    mprotect(want, end - begin, PROT_READ);
    for (int i = 0; i < h.e_phnum; i++)
      if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X)) {
        uint64_t at = ph[i].p_vaddr & ~0xfffull;
        mprotect(reinterpret_cast<void*>(at), ph[i].p_vaddr + ph[i].p_memsz - at, PROT_READ | PROT_EXEC);
      }
  }
  m.boot.kernel_begin = begin;
  m.boot.kernel_end = end;
  return h.e_entry;
}

// The vDSO is several mappings (data pages, code), moved one by one to a fixed place. Its code becomes
// private memory, whose page table entries a fork copies: a child that reads the clock need not fault on it.
void move_vdso(mailbox::Mailbox& m) {
  FILE* maps = std::fopen("/proc/self/maps", "r");
  if (!maps) zygote_failed(m, "cannot read /proc/self/maps");
  char line[512];
  uint64_t low[8], high[8], elf = getauxval(AT_SYSINFO_EHDR);
  int n = 0;
  while (n < 8 && std::fgets(line, sizeof line, maps))
    if ((std::strstr(line, "[vvar") || std::strstr(line, "[vdso]")) &&
        std::sscanf(line, "%lx-%lx", &low[n], &high[n]) == 2)
      n++;
  std::fclose(maps);
  if (n == 0 || elf == 0) {
    errno = ENOSYS;
    zygote_failed(m, "the host gives no vDSO");
  }
  if (high[n - 1] - low[0] > kHotPagesBase - kHostVdsoBase) {
    errno = EFBIG;
    zygote_failed(m, "the host's vDSO does not fit in its place");
  }
  for (int i = 0; i < n; i++) {
    void* to = reinterpret_cast<void*>(kHostVdsoBase + (low[i] - low[0]));
    if (mremap(reinterpret_cast<void*>(low[i]), high[i] - low[i], high[i] - low[i],
               MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
      zygote_failed(m, "cannot move the vDSO");
  }
  void* code = reinterpret_cast<void*>(kHostVdsoBase + (elf - low[0]));
  size_t code_size = high[n - 1] - elf;
  std::vector<std::byte> copy(static_cast<std::byte*>(code), static_cast<std::byte*>(code) + code_size);
  if (mmap(code, code_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != code)
    zygote_failed(m, "cannot move the vDSO");
  std::memcpy(code, copy.data(), code_size);
  mprotect(code, code_size, PROT_READ | PROT_EXEC);
  m.boot.vdso_base = kHostVdsoBase;
  m.boot.vdso_end = kHostVdsoBase + (high[n - 1] - low[0]);
  m.boot.vdso_elf = kHostVdsoBase + (elf - low[0]);
}

// What a kernel that has been taken over cannot get beyond either: it is not allowed setrlimit(2). Never
// above what we have; a host that refuses to lower a limit has it low already.
void limit_zygote(const Vps& vps) {
  auto lower = [](int resource, rlim_t to) {
    rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
    limit.rlim_cur = std::min(limit.rlim_cur, to);
    limit.rlim_max = std::min(limit.rlim_max, to);
    setrlimit(static_cast<__rlimit_resource>(resource), &limit);
  };
  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_FSIZE, vps.largest_file);
  // Per process, and of what is writable and private. Much is mapped that is never touched, so it is a last
  // line only.
  constexpr rlim_t kRoom = rlim_t{64} << 30;  // MAP_NORESERVE, which is mapped large and touched little
  lower(RLIMIT_DATA, 4 * vps.memory_bytes + kRoom);
}

[[noreturn]] void become_zygote(const Vps& vps, mailbox::Mailbox& m) {
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
  cpu_set_t cpu;
  CPU_ZERO(&cpu);
  CPU_SET(vps.host_cpus[0], &cpu);
  sched_setaffinity(0, sizeof cpu, &cpu);
  limit_zygote(vps);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (m.monitor_alive.load() & FUTEX_OWNER_DIED) _exit(1);
  prctl(PR_SET_DUMPABLE, (m.boot.flags & mailbox::kBootDumpable) ? 1 : 0);

  uint64_t arena = m.boot.arena_size;
  map_at(m, kArenaBase, arena, vps.arena.get(), "cannot map the arena (check `ulimit -v`)");
  // The hot region in one huge page: what fork, exec and exit touch costs a new process one fault.
  madvise(reinterpret_cast<void*>(kArenaBase), kHugePageSize, MADV_POPULATE_WRITE);
  madvise(reinterpret_cast<void*>(kArenaBase), kHugePageSize, MADV_COLLAPSE);
  madvise(reinterpret_cast<void*>(kArenaBase), arena, MADV_DONTDUMP);
  map_at(m, mailbox::kMailboxAddress, mailbox::kMailboxSize, vps.mailbox_file.get(),
         "cannot map the mailbox");
  uint64_t entry = load_kernel(m, vps.kernel_path.c_str(), vps.pages);
  move_vdso(m);

  // The kernel's files get their fixed numbers; every other descriptor goes.
  constexpr int kHigh = 200;
  int files[1 + mailbox::kMaxImages];
  int count = 0;
  files[count++] = fcntl(vps.pages.get(), F_DUPFD, kHigh);
  for (const FileDescriptor& image : vps.images) files[count++] = fcntl(image.get(), F_DUPFD, kHigh);
  for (int i = 0; i < count; i++)
    if (files[i] < 0) {
      count = -1;
      break;
    }
  if (count < 0) {  // RLIMIT_NOFILE below kHigh: what we hold has low numbers then
    count = 0;
    files[count++] = vps.pages.get();
    for (const FileDescriptor& image : vps.images) files[count++] = image.get();
    int spare[1 + mailbox::kMaxImages];
    for (int i = 0; i < count; i++) spare[i] = fcntl(files[i], F_DUPFD, kFirstVpsFd + count);
    for (int i = 0; i < count; i++) files[i] = spare[i];
  }
  for (int i = 0; i < count; i++)
    if (dup2(files[i], kFirstVpsFd + i) < 0) zygote_failed(m, "cannot place the kernel's descriptors");
  for (int fd = 0; fd < kFirstVpsFd; fd++) close(fd);
  syscall(SYS_close_range, kFirstVpsFd + count, ~0u, 0);

  // The C library's per-thread areas are about to go; the host must not write there any more.
  if (__rseq_size > 0)
    syscall(SYS_rseq, static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset, 32,
            RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
  syscall(SYS_set_tid_address, 0);
  syscall(SYS_set_robust_list, 0, 24);
  asm volatile(
      "xor %%ebp, %%ebp\n\t"
      "jmp *%1"
      :
      : "D"(kArenaBase + arena), "r"(entry)
      : "memory");
  __builtin_unreachable();
}

}  // namespace

Vps prepare_vps(const RunOptions& o, bool terminal, MappedMailbox*& mailbox_out) {
  Vps vps;
  std::filesystem::path here = own_directory();
  vps.kernel_path = o.kernel.empty() ? (here / "lodge-kernel").string() : o.kernel;
  if (access(vps.kernel_path.c_str(), R_OK) != 0)
    throw host_failure("cannot read " + vps.kernel_path + "; build the target lodge-kernel", errno);
  vps.kernel = FileDescriptor(open(vps.kernel_path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string image = o.image.empty() ? (here.parent_path() / "images/default.img").string() : o.image;
  uint64_t image_size = 0;
  vps.images.push_back(open_image(image, image_size));
  vps.host_cpus = choose_cpus(o.cpus);
  vps.memory_bytes = o.memory_bytes;

  rlimit as;
  bool tight =
      getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur != RLIM_INFINITY && as.rlim_cur < 4 * kArenaBytes;
  uint64_t arena_bytes = tight ? kSmallArenaBytes : kArenaBytes;
  vps.arena = make_memory_file("lodge-arena", arena_bytes, Sealing::kFixedSize);
  vps.mailbox_file = make_memory_file("lodge-mailbox", mailbox::kMailboxSize, Sealing::kFixedSize);
  uint64_t pages = page_file_bytes(o.memory_bytes);
  vps.pages = make_memory_file("lodge-pages", pages, Sealing::kFixedSize);

  mailbox_out = new MappedMailbox(vps.mailbox_file);
  mailbox::Mailbox& m = **mailbox_out;
  m.magic = mailbox::kMagic;
  m.boot.arena_size = arena_bytes;
  m.boot.page_file_size = pages;
  vps.largest_file = std::max({pages, image_size, arena_bytes});
  m.boot.image_size[0] = image_size;
  describe(o, terminal, vps, m);
  return vps;
}

pid_t start_zygote(const Vps& vps, MappedMailbox& mailbox) {
  pid_t pid = fork();
  if (pid < 0) throw host_failure("cannot fork the zygote", errno);
  if (pid == 0) become_zygote(vps, *mailbox);
  return pid;
}

}  // namespace lodge
