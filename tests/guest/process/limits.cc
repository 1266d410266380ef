// Resource limits and usage: prlimit64, setrlimit, getrlimit, getrusage, times; what a limit does is with its
// call.
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/times.h>

#include "harness/util.h"

using namespace guest;

TEST(rlimit_get_and_set) {
  rlimit limit;
  OK(getrlimit, RLIMIT_CORE, &limit);
  limit = {100, 200};
  OK(setrlimit, RLIMIT_CORE, &limit);
  rlimit seen;
  OK(getrlimit, RLIMIT_CORE, &seen);
  CHECK_EQ(seen.rlim_cur, 100u);
  CHECK_EQ(seen.rlim_max, 200u);
  limit = {150, 200};
  OK(prlimit64, 0, RLIMIT_CORE, &limit, &seen);
  CHECK_EQ(seen.rlim_cur, 100u);
  OK(prlimit64, getpid(), RLIMIT_CORE, nullptr, &seen);
  CHECK_EQ(seen.rlim_cur, 150u);
  in_child([] {
    rlimit inherited;
    OK(getrlimit, RLIMIT_CORE, &inherited);
    CHECK_EQ(inherited.rlim_cur, 150u);
  });
}

TEST(rlimit_all_kinds) {
  for (int kind = 0; kind < 16; kind++) {
    rlimit limit;
    OK(getrlimit, kind, &limit);
    CHECK(limit.rlim_cur <= limit.rlim_max);
    OK(setrlimit, kind, &limit);
  }
}

TEST(rlimit_errnos) {
  rlimit limit = {200, 100};
  FAILS(EINVAL, setrlimit, RLIMIT_CORE, &limit);
  FAILS(EINVAL, getrlimit, 16, &limit);
  FAILS(EINVAL, setrlimit, -1, &limit);
  FAILS(EINVAL, prlimit64, 0, 99, nullptr, &limit);
  FAILS(EFAULT, getrlimit, RLIMIT_CORE, kBadPointer);
  FAILS(EFAULT, setrlimit, RLIMIT_CORE, kBadPointer);
  FAILS(ESRCH, prlimit64, 0x3ffffff, RLIMIT_CORE, nullptr, &limit);
  as_nobody([] {
    rlimit limit = {10, 10};
    OK(setrlimit, RLIMIT_CORE, &limit);
    limit = {10, 11};
    FAILS(EPERM, setrlimit, RLIMIT_CORE, &limit);
  });
  if (is_root()) {
    pid_t parent = getpid();
    as_nobody([=] {
      rlimit limit;
      FAILS(EPERM, prlimit64, parent, RLIMIT_CORE, nullptr, &limit);
    });
  }
}

TEST(rlimit_of_another_process) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  rlimit limit = {7, 7}, seen;
  OK(prlimit64, child, RLIMIT_CORE, &limit, nullptr);
  OK(prlimit64, child, RLIMIT_CORE, nullptr, &seen);
  CHECK_EQ(seen.rlim_cur, 7u);
  kill(child, SIGKILL);
}

TEST(rlimit_cpu_signals) {
  int status = in_child([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    rlimit limit = {1, 2};
    REQUIRE(setrlimit(RLIMIT_CPU, &limit) == 0);
    for (;;) {
    }
  });
  CHECK(WIFSIGNALED(status));
  CHECK_EQ(WTERMSIG(status), SIGXCPU);
}

TEST(rlimit_address_space_and_data) {
  as_nobody([] {
    rlimit limit = {256 << 20, 256 << 20};
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    FAILS(ENOMEM, mmap, nullptr, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(mmap, nullptr, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  });
  as_nobody([] {
    rlimit limit = {64 << 20, 64 << 20};
    REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
    FAILS(ENOMEM, mmap, nullptr, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // What cannot be written is not data.
    OK(mmap, nullptr, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  });
}

TEST(rusage_counts) {
  rusage usage = {};
  OK(getrusage, RUSAGE_SELF, &usage);
  CHECK(usage.ru_maxrss > 0);
  long resident = usage.ru_maxrss;
  auto* memory =
      static_cast<char*>(mmap(nullptr, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 8 << 20; i += 4096) memory[i] = 1;
  int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 20'000'000;
  while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
  }
  OK(getrusage, RUSAGE_SELF, &usage);
  CHECK(usage.ru_maxrss >= resident + (7 << 10));
  CHECK(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec + usage.ru_utime.tv_sec > 10'000);
  OK(getrusage, RUSAGE_CHILDREN, &usage);
  OK(getrusage, RUSAGE_THREAD, &usage);
  FAILS(EINVAL, getrusage, 5, &usage);
  FAILS(EFAULT, getrusage, RUSAGE_SELF, kBadPointer);
}

TEST(rusage_counts_faults) {
  rusage before, after;
  OK(getrusage, RUSAGE_SELF, &before);
  auto* memory =
      static_cast<char*>(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  madvise(memory, 1 << 20, MADV_NOHUGEPAGE);
  for (int i = 0; i < 1 << 20; i += 4096) memory[i] = 1;
  OK(getrusage, RUSAGE_SELF, &after);
  CHECK(after.ru_minflt >= before.ru_minflt + 200);
}

TEST(rusage_maxrss_of_children) {
  in_child([] {
    auto* memory = static_cast<char*>(
        mmap(nullptr, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 32 << 20; i += 4096) memory[i] = 1;
  });
  rusage usage;
  OK(getrusage, RUSAGE_CHILDREN, &usage);
  CHECK(usage.ru_maxrss >= 32 << 10);
}

TEST(rusage_counts_switches) {
  rusage before, after;
  OK(getrusage, RUSAGE_SELF, &before);
  for (int i = 0; i < 5; i++) sleep_ms(20);  // long enough not to be over before it begins
  OK(getrusage, RUSAGE_SELF, &after);
  CHECK(after.ru_nvcsw >= before.ru_nvcsw + 5);
}

TEST(times_of_self_and_children) {
  tms t = {};
  long ticks = OK(times, &t);
  CHECK(ticks != 0);
  in_child([] {
    int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 50'000'000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
    }
  });
  OK(times, &t);
  CHECK(t.tms_cutime + t.tms_cstime >= 3);
  FAILS(EFAULT, times, kBadPointer);
  OK(times, nullptr);
}

TEST(priority_get_and_set) {
  // The raw call returns 20 - nice.
  CHECK_EQ(OK(getpriority, PRIO_PROCESS, 0), 20);
  OK(setpriority, PRIO_PROCESS, 0, 7);
  CHECK_EQ(OK(getpriority, PRIO_PROCESS, getpid()), 13);
  OK(setpriority, PRIO_PROCESS, 0, 100);
  CHECK_EQ(OK(getpriority, PRIO_PROCESS, 0), 1);
  OK(getpriority, PRIO_PGRP, 0);
  OK(getpriority, PRIO_USER, 0);
  FAILS(EINVAL, getpriority, 3, 0);
  FAILS(EINVAL, setpriority, 3, 0, 0);
  FAILS(ESRCH, getpriority, PRIO_PROCESS, 0x3ffffff);
  FAILS(ESRCH, setpriority, PRIO_PROCESS, 0x3ffffff, 0);
  as_nobody([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_NICE, &none);
    FAILS(EACCES, setpriority, PRIO_PROCESS, 0, -1);
    FAILS(EPERM, setpriority, PRIO_PROCESS, 1, 5);
  });
}
