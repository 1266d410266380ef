#include "userland/lodge/run/host_facts.h"

#include <cpuid.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <random>
#include <thread>

#include "kernel/mailbox/mailbox.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/run/host_cpus.h"

namespace lodge {

VectorState vector_state() {
  constexpr uint64_t kAmx = 3ull << 17;
  uint32_t lo, hi;
  asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  VectorState v{(static_cast<uint64_t>(hi) << 32 | lo) & ~kAmx, 512 + 64, 0};
  for (unsigned i = 2; i < 63; i++) {
    if (!(v.mask >> i & 1)) continue;
    unsigned size, offset, c, d;
    __cpuid_count(0xd, i, size, offset, c, d);
    v.size = std::max<uint64_t>(v.size, uint64_t{offset} + size);
  }
  alignas(16) unsigned char fx[512] = {};
  asm volatile("fxsave %0" : "=m"(fx));
  std::memcpy(&v.mxcsr_mask, fx + 28, 4);
  if (v.mxcsr_mask == 0) v.mxcsr_mask = 0xffbf;
  return v;
}

bool host_has_fsgsbase() {
  constexpr unsigned long kHwcap2Fsgsbase = 1 << 1;
  return getauxval(AT_HWCAP2) & kHwcap2Fsgsbase;
}

bool host_reads_clock_without_call() {
  // A thread for which the real call is refused shows whether the vDSO needs it.
  bool reads = true;
  std::thread([&reads] {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = {std::size(code), code};
    timespec now;
    // Without a filter no VPS boots, and says so.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
      reads = clock_gettime(CLOCK_MONOTONIC, &now) == 0;
  }).join();
  return reads;
}

std::vector<int> choose_cpus(unsigned count) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw host_failure("sched_getaffinity", errno);
  std::vector<int> cpus;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &allowed)) cpus.push_back(i);
  if (count == 0) count = static_cast<unsigned>(cpus.size());
  count = std::min<unsigned>(count, mailbox::kMaxVirtualCpus);
  // By load so far, ties at random: many VPSs must not pile up on CPU 0.
  std::shuffle(cpus.begin(), cpus.end(), std::mt19937(std::random_device()()));
  auto ticks = host_cpu_ticks();
  std::stable_sort(cpus.begin(), cpus.end(),
                   [&](int a, int b) { return ticks[a].busy / 1000 < ticks[b].busy / 1000; });
  std::vector<int> out;
  for (unsigned i = 0; i < count; i++) out.push_back(cpus[i % cpus.size()]);
  return out;
}

}  // namespace lodge
