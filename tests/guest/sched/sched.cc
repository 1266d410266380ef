// Scheduling: affinity, policies, priorities, yielding, fairness.
#include <sched.h>
#include <sys/mman.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
}

struct SchedAttr {
  uint32_t size = 48;
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
};

}  // namespace

TEST(affinity_get_and_set) {
  cpu_set_t set = {};
  long size = OK(sched_getaffinity, 0, sizeof set, &set);
  CHECK(size > 0 && size % 8 == 0);
  std::vector<int> cpus = allowed_cpus();
  CHECK(!cpus.empty());
  CHECK(static_cast<long>(cpus.size()) <= sysconf(_SC_NPROCESSORS_ONLN));
  for (int cpu : cpus) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    OK(sched_setaffinity, 0, sizeof one, &one);
    CHECK_EQ(allowed_cpus().size(), 1u);
    unsigned now = 99, node = 99;
    OK(getcpu, &now, &node, nullptr);
    CHECK_EQ(now, static_cast<unsigned>(cpu));
    CHECK_EQ(sched_getcpu(), cpu);
    in_child([&] { CHECK_EQ(allowed_cpus()[0], cpu); });
  }
}

TEST(affinity_of_another) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  cpu_set_t set, seen = {};
  CPU_ZERO(&set);
  CPU_SET(allowed_cpus()[0], &set);
  OK(sched_setaffinity, child, sizeof set, &set);
  OK(sched_getaffinity, child, sizeof seen, &seen);
  CHECK_EQ(CPU_COUNT(&seen), 1);
  kill(child, SIGKILL);
}

TEST(affinity_errnos) {
  cpu_set_t set;
  CPU_ZERO(&set);
  FAILS(EINVAL, sched_setaffinity, 0, sizeof set, &set);
  CPU_SET(1000, &set);
  FAILS(EINVAL, sched_setaffinity, 0, sizeof set, &set);
  FAILS(EFAULT, sched_setaffinity, 0, sizeof set, kBadPointer);
  FAILS(ESRCH, sched_setaffinity, 0x3ffffff, sizeof set, &set);
  FAILS(ESRCH, sched_getaffinity, 0x3ffffff, sizeof set, &set);
  FAILS(EINVAL, sched_getaffinity, 0, 1, &set);
  FAILS(EINVAL, sched_getaffinity, 0, 12, &set);
  FAILS(EFAULT, sched_getaffinity, 0, sizeof set, kBadPointer);
  as_nobody([] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    FAILS(EPERM, sched_setaffinity, 1, sizeof set, &set);
  });
}

TEST(policies_get_and_set) {
  CHECK_EQ(OK(sched_getscheduler, 0), SCHED_OTHER);
  sched_param param = {0};
  // Idle last: an ordinary user may not always leave it.
  for (int policy : {SCHED_BATCH, SCHED_OTHER, SCHED_IDLE}) {
    OK(sched_setscheduler, 0, policy, &param);
    CHECK_EQ(OK(sched_getscheduler, 0), policy);
  }
  OK(sched_getparam, 0, &param);
  CHECK_EQ(param.sched_priority, 0);
  param.sched_priority = 0;
  OK(sched_setparam, 0, &param);
}

TEST(realtime_policies) {
  need_root();
  in_child([] {
    sched_param param = {10};
    for (int policy : {SCHED_FIFO, SCHED_RR}) {
      if (SYS(sched_setscheduler, 0, policy, &param) != 0) {
        REQUIRE(errno == EPERM);
        return;
      }
      CHECK_EQ(OK(sched_getscheduler, 0), policy);
      OK(sched_getparam, 0, &param);
      CHECK_EQ(param.sched_priority, 10);
    }
    timespec slice = {};
    OK(sched_rr_get_interval, 0, &slice);
    CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 1'000'000);
    param.sched_priority = 20;
    OK(sched_setparam, 0, &param);
    param.sched_priority = 0;
    FAILS(EINVAL, sched_setparam, 0, &param);
    // Reset on fork: the child is an ordinary one again.
    param.sched_priority = 5;
    OK(sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
    CHECK_EQ(OK(sched_getscheduler, 0), SCHED_FIFO | SCHED_RESET_ON_FORK);
    in_child([] { CHECK_EQ(OK(sched_getscheduler, 0), SCHED_OTHER); });
  });
}

TEST(policy_errnos) {
  sched_param param = {0};
  FAILS(EINVAL, sched_setscheduler, 0, 99, &param);
  FAILS(EINVAL, sched_setscheduler, 0, SCHED_FIFO, &param);
  FAILS(EINVAL, sched_setscheduler, 0, SCHED_OTHER, nullptr);
  FAILS(EFAULT, sched_setscheduler, 0, SCHED_OTHER, kBadPointer);
  FAILS(EINVAL, sched_setscheduler, -1, SCHED_OTHER, &param);
  FAILS(ESRCH, sched_setscheduler, 0x3ffffff, SCHED_OTHER, &param);
  FAILS(ESRCH, sched_getscheduler, 0x3ffffff);
  FAILS(EINVAL, sched_getscheduler, -1);
  FAILS(EINVAL, sched_getparam, 0, nullptr);
  FAILS(EINVAL, sched_getparam, -1, &param);
  FAILS(ESRCH, sched_getparam, 0x3ffffff, &param);
  FAILS(EINVAL, sched_setparam, 0, nullptr);
  param.sched_priority = 5;
  FAILS(EINVAL, sched_setparam, 0, &param);
  FAILS(EINVAL, sched_setscheduler, 0, SCHED_OTHER, &param);
  timespec t;
  FAILS(ESRCH, sched_rr_get_interval, 0x3ffffff, &t);
  FAILS(EINVAL, sched_rr_get_interval, -1, &t);
  FAILS(EFAULT, sched_rr_get_interval, 0, kBadPointer);
  as_nobody([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_RTPRIO, &none);
    sched_param param = {1};
    FAILS(EPERM, sched_setscheduler, 0, SCHED_FIFO, &param);
    param.sched_priority = 0;
    FAILS(EPERM, sched_setscheduler, 1, SCHED_BATCH, &param);
  });
}

TEST(priority_ranges) {
  CHECK_EQ(OK(sched_get_priority_min, SCHED_FIFO), 1);
  CHECK_EQ(OK(sched_get_priority_max, SCHED_FIFO), 99);
  CHECK_EQ(OK(sched_get_priority_max, SCHED_RR), 99);
  CHECK_EQ(OK(sched_get_priority_min, SCHED_OTHER), 0);
  CHECK_EQ(OK(sched_get_priority_max, SCHED_OTHER), 0);
  FAILS(EINVAL, sched_get_priority_min, 99);
  FAILS(EINVAL, sched_get_priority_max, -1);
}

TEST(sched_attr_get_and_set) {
  SchedAttr attr;
  OK(sched_getattr, 0, &attr, sizeof attr, 0);
  CHECK_EQ(attr.policy, static_cast<uint32_t>(SCHED_OTHER));
  CHECK_EQ(attr.nice, 0);
  attr = {};
  attr.policy = SCHED_BATCH;
  attr.nice = 5;
  OK(sched_setattr, 0, &attr, 0);
  CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
  CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
  FAILS(EINVAL, sched_getattr, 0, &attr, sizeof attr, 1);
  FAILS(EINVAL, sched_getattr, 0, &attr, 8, 0);
  FAILS(EINVAL, sched_setattr, 0, &attr, 1);
  FAILS(ESRCH, sched_getattr, 0x3ffffff, &attr, sizeof attr, 0);
  FAILS(EFAULT, sched_setattr, 0, kBadPointer, 0);
}

TEST(yield_lets_others_run) {
  pin(allowed_cpus()[0]);
  auto* turn = static_cast<volatile int*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t child = start_child([=] {
    for (int i = 0; i < 500; i++) {
      while (*turn != 1) OK(sched_yield);
      *turn = 0;
    }
  });
  for (int i = 0; i < 500; i++) {
    *turn = 1;
    while (*turn != 0) SYS(sched_yield);
  }
  CHECK_EQ(wait_child(child), 0);
}

TEST(busy_processes_share_one_cpu) {
  pin(allowed_cpus()[0]);
  constexpr int kCount = 4;
  auto* work = static_cast<volatile uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < kCount; i++) {
    start_child([=] {
      for (;;) work[i] = work[i] + 1;
    });
  }
  // All of them come to run, though none ever gives the processor away, and so does this one.
  CHECK(eventually([&] {
    for (int i = 0; i < kCount; i++) {
      if (work[i] < 100'000) return false;
    }
    return true;
  }));
}

TEST_LIMIT(nice_shares, 60) {
  pin(allowed_cpus()[0]);
  clockid_t clocks[2];
  pid_t children[2];
  for (int i = 0; i < 2; i++) {
    children[i] = start_child([=] {
      REQUIRE(setpriority(PRIO_PROCESS, 0, i == 0 ? 0 : 15) == 0);
      for (;;) {
      }
    });
    REQUIRE(clock_getcpuclockid(children[i], &clocks[i]) == 0);
  }
  sleep_ms(50);
  int64_t base[2] = {now_ns(clocks[0]), now_ns(clocks[1])};
  CHECK(eventually([&] { return now_ns(clocks[0]) - base[0] >= 300'000'000; }, 50'000));
  // 1024 to 36 by weight; a tenth leaves room.
  CHECK(now_ns(clocks[1]) - base[1] < (now_ns(clocks[0]) - base[0]) / 4);
  for (pid_t child : children) kill(child, SIGKILL);
}
