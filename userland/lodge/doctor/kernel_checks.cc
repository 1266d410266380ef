// What the host's kernel and CPU have to offer. Each check tries the thing itself where that is harmless, as
// version numbers and configuration files do not tell what a container or a policy takes away.
#include <liburing.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>

#include "userland/lodge/doctor/child_process.h"
#include "userland/lodge/doctor/doctor.h"
#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/run/host_facts.h"

#ifndef MADV_COLLAPSE
  #define MADV_COLLAPSE 25
#endif

namespace lodge {

namespace {

constexpr unsigned kOldestMajor = 5;
constexpr unsigned kOldestMinor = 10;
// From kernel/base/layout.h, which is the kernel's own; what matters is that both lie high in 47 bits.
constexpr uintptr_t kArena = 0x700000000000;
constexpr uintptr_t kKernel = 0x780000000000;
constexpr size_t kHugePage = 2 << 20;
constexpr long kLowestGuestAddress = 0x10000;
constexpr long kDefaultMaps = 65530;

std::string error_text(int error) {
  return strerror(error);
}

long number_in(const char* file) {
  std::ifstream stream(file);
  long number = -1;
  return stream >> number ? number : -1;
}

Finding look_at_version() {
  utsname name;
  uname(&name);
  unsigned major = 0, minor = 0;
  sscanf(name.release, "%u.%u", &major, &minor);
  std::string found = std::string(name.release) + " " + name.machine;
  if (strcmp(name.machine, "x86_64") != 0)
    return broken(found, "Lodge is for x86-64.", "Use another machine.");
  if (major > kOldestMajor || (major == kOldestMajor && minor >= kOldestMinor)) return good(found);
  return broken(found, "The host's kernel is older than 5.10 and lacks calls that Lodge needs.",
                "Use a newer one.");
}

Finding look_at_fsgsbase() {
  if (host_has_fsgsbase()) return good("usable by programs");
  return good("not usable by programs; Lodge asks the host instead");
}

// Installs a filter that lets everything pass. 0 or an errno.
int install_filter(unsigned flags) {
  sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {std::size(code), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0 ? 0 : errno;
}

Finding look_at_seccomp() {
  uint32_t trap = SECCOMP_RET_TRAP;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) != 0) {
    return broken(error_text(errno), "Nothing can keep a VPS from the host, so none boots.",
                  "Use a kernel with CONFIG_SECCOMP_FILTER; in a container, allow the seccomp() call.");
  }
  int plain = try_in_child([] { return install_filter(0); });
  if (plain != 0) {
    return broken(
        "a filter is refused: " + (plain > 0 && plain < 256 ? error_text(plain) : "the process dies"),
        "Nothing can keep a VPS from the host, so none boots.",
        "In a container, allow seccomp() and prctl(PR_SET_NO_NEW_PRIVS).");
  }
  int fast = try_in_child([] { return install_filter(SECCOMP_FILTER_FLAG_SPEC_ALLOW); });
  if (fast == 0) return good("filters with RET_TRAP and SPEC_ALLOW");
  return limited("filters without SPEC_ALLOW",
                 "Every VPS pays for speculation barriers; memory-heavy work is slower.",
                 "Use Linux 4.17 or later, or boot with spec_store_bypass_disable=prctl.");
}

Finding look_at_memfd() {
  FileDescriptor fd(memfd_create("lodge-doctor", MFD_CLOEXEC));
  if (!fd) return broken(error_text(errno), "The arena has no file to live in.", "Allow memfd_create().");
  if (ftruncate(fd.get(), kHugePage) != 0) {
    return broken("cannot grow: " + error_text(errno), "The arena does not fit.", "Raise ulimit -f.");
  }
  void* mapped = mmap(nullptr, kHugePage, PROT_READ | PROT_EXEC, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) {
    return limited("not executable: " + error_text(errno),
                   "Patched program text cannot be mapped: slower syscalls.",
                   "Lift the policy that forbids executable memory files.");
  }
  munmap(mapped, kHugePage);
  return good("works, also executable");
}

Finding look_at_addresses() {
  for (uintptr_t address : {kArena, kKernel}) {
    void* wanted = reinterpret_cast<void*>(address);
    void* got = mmap(wanted, kHugePage, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    int error = errno;
    if (got != MAP_FAILED) munmap(got, kHugePage);
    if (got != wanted) {
      char found[64];
      snprintf(found, sizeof found, "%#lx is not free", static_cast<unsigned long>(address));
      return broken(found, "Arena and kernel have fixed places there (" + error_text(error) + ").",
                    "Raise ulimit -v; do not preload libraries that map fixed addresses.");
    }
  }
  long lowest = number_in("/proc/sys/vm/mmap_min_addr");
  if (lowest > kLowestGuestAddress) {
    return limited("vm.mmap_min_addr is " + std::to_string(lowest),
                   "Programs that are linked below it do not run.", "Set vm.mmap_min_addr to 65536 or less.");
  }
  return good("47 bits, places of arena and kernel free");
}

Finding look_at_collapse() {
  void* area = mmap(nullptr, 2 * kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return limited(error_text(errno), "Forks cost more.", "Raise ulimit -v.");
  uintptr_t start = (reinterpret_cast<uintptr_t>(area) + kHugePage - 1) & ~(kHugePage - 1);
  memset(reinterpret_cast<void*>(start), 1, kHugePage);
  int result = madvise(reinterpret_cast<void*>(start), kHugePage, MADV_COLLAPSE);
  int error = errno;
  munmap(area, 2 * kHugePage);
  if (result == 0) return good("works");
  return limited(error_text(error),
                 "The kernel's hot pages stay small: each fork pays some 20 page faults more.",
                 "Use Linux 6.1 or later with CONFIG_TRANSPARENT_HUGEPAGE.");
}

Finding look_at_clock() {
  std::ifstream stream("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source = "unknown";
  stream >> source;
  if (host_reads_clock_without_call()) return good(source + ", read without a call");
  return limited(source + ", read by a call", "Each look at the clock costs a call: everything is slower.",
                 "Switch to the clock source tsc (or the hypervisor's) in /sys/devices/system/clocksource.");
}

Finding look_at_maps() {
  long maps = number_in("/proc/sys/vm/max_map_count");
  if (maps >= kDefaultMaps) return good(std::to_string(maps));
  return limited(std::to_string(maps), "Guest processes with many mappings get ENOMEM.",
                 "Set vm.max_map_count to 65530 or more.");
}

Finding look_at_overcommit() {
  long mode = number_in("/proc/sys/vm/overcommit_memory");
  if (mode != 2) return good(std::to_string(mode));
  return limited("2 (strict)", "The host commits each VPS's memory in full; few fit.",
                 "Set vm.overcommit_memory to 0 or 1.");
}

Finding look_at_io_uring() {
  io_uring ring;
  int result = io_uring_queue_init(2, &ring, 0);
  if (result == 0) {
    io_uring_queue_exit(&ring);
    return good("works");
  }
  return limited(error_text(-result),
                 "The monitor moves bytes by plain calls; terminal and network are slower.",
                 "Set kernel.io_uring_disabled to 0; in a container, allow io_uring_setup().");
}

Finding look_at_landlock() {
  long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version > 0) return good("ABI " + std::to_string(version));
  return limited(error_text(errno), "The monitor runs without a second fence around its own file access.",
                 "Use Linux 5.13 or later with landlock among the lsm= of the kernel's command line.");
}

}  // namespace

void append_kernel_checks(std::vector<DoctorCheck>& checks) {
  checks.push_back({"kernel", look_at_version});
  checks.push_back({"FSGSBASE", look_at_fsgsbase});
  checks.push_back({"seccomp", look_at_seccomp});
  checks.push_back({"memfd", look_at_memfd});
  checks.push_back({"address space", look_at_addresses});
  checks.push_back({"clock", look_at_clock});
  checks.push_back({"MADV_COLLAPSE", look_at_collapse});
  checks.push_back({"vm.max_map_count", look_at_maps});
  checks.push_back({"vm.overcommit_memory", look_at_overcommit});
  checks.push_back({"io_uring", look_at_io_uring});
  checks.push_back({"Landlock", look_at_landlock});
}

}  // namespace lodge
