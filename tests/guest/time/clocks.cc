// Clocks and sleeping: clock_gettime and kin, by call and by vDSO, nanosleep, clock_nanosleep.
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/timex.h>

#include <atomic>
#include <thread>

#include "harness/util.h"

using namespace guest;

namespace {

int64_t ns_of(const timespec& t) {
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// By the call itself: libc asks the vDSO.
int64_t by_syscall(clockid_t clock) {
  timespec t = {};
  OK(clock_gettime, clock, &t);
  CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1'000'000'000);
  return ns_of(t);
}

void burn(int64_t ns) {
  int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
  while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
}

}  // namespace

TEST(clocks_never_go_back) {
  for (clockid_t clock : {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
                          CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID}) {
    int64_t last = 0;
    for (int i = 0; i < 2000; i++) {
      int64_t now = i % 2 == 0 ? now_ns(clock) : by_syscall(clock);
      if (now < last) CHECK_EQ(now, last);
      last = now;
    }
  }
}

TEST(vdso_and_syscall_agree) {
  for (clockid_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_TAI}) {
    for (int i = 0; i < 100; i++) {
      // In between two by the one, one by the other: whichever way round.
      int64_t a = by_syscall(clock), b = now_ns(clock), c = by_syscall(clock), d = now_ns(clock);
      CHECK(a <= b && b <= c && c <= d);
    }
  }
  timeval tv;
  int64_t before = by_syscall(CLOCK_REALTIME);
  OK(gettimeofday, &tv, nullptr);
  int64_t middle = tv.tv_sec * 1'000'000'000 + tv.tv_usec * 1000;
  gettimeofday(&tv, nullptr);
  int64_t after = by_syscall(CLOCK_REALTIME);
  CHECK(before - 1000 <= middle && middle <= after);
  time_t by_call = OK(time, nullptr);
  CHECK(by_call >= before / 1'000'000'000 - 1 && by_call <= after / 1'000'000'000);
}

TEST(clocks_relate) {
  // Coarse clocks lag by a tick or two; boot time counts at least what monotonic does; CPU time no more than
  // real.
  int64_t coarse = now_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns(CLOCK_MONOTONIC);
  CHECK(coarse <= fine && fine - coarse < 100'000'000);
  CHECK(now_ns(CLOCK_BOOTTIME) >= now_ns(CLOCK_MONOTONIC) - 1'000'000);
  CHECK(now_ns(CLOCK_REALTIME) > 1'600'000'000'000'000'000);
  int64_t real = now_ns(), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  burn(20'000'000);
  int64_t cpu_used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu, real_used = now_ns() - real;
  CHECK(cpu_used >= 20'000'000);
  CHECK(real_used >= 19'000'000);
  CHECK(cpu_used <= real_used + 5'000'000);
}

TEST(cpu_clock_stands_still_while_asleep) {
  int64_t before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  sleep_ms(50);
  CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 40'000'000);
}

TEST(clock_resolutions) {
  timespec t = {};
  OK(clock_getres, CLOCK_MONOTONIC, &t);
  CHECK_EQ(ns_of(t), 1);
  OK(clock_getres, CLOCK_REALTIME, &t);
  CHECK_EQ(ns_of(t), 1);
  OK(clock_getres, CLOCK_MONOTONIC_COARSE, &t);
  CHECK(ns_of(t) >= 1'000'000 && ns_of(t) <= 10'000'000);
  OK(clock_getres, CLOCK_MONOTONIC, nullptr);
  FAILS(EINVAL, clock_getres, 77, &t);
  FAILS(EFAULT, clock_getres, CLOCK_MONOTONIC, kBadPointer);
}

TEST(clock_of_another_process) {
  pid_t child = start_child([] { burn(3'000'000'000); });
  clockid_t clock;
  REQUIRE(clock_getcpuclockid(child, &clock) == 0);
  CHECK(eventually([&] { return now_ns(clock) > 10'000'000; }));
  kill(child, SIGKILL);
  wait_child(child);
  timespec t;
  FAILS(EINVAL, clock_gettime, clock, &t);
}

TEST(clock_errnos) {
  timespec t = {};
  FAILS(EINVAL, clock_gettime, 77, &t);
  FAILS(EFAULT, clock_gettime, CLOCK_MONOTONIC, kBadPointer);
  FAILS(EFAULT, gettimeofday, kBadPointer, nullptr);
  FAILS(EFAULT, time, kBadPointer);
  FAILS(EINVAL, clock_settime, CLOCK_MONOTONIC, &t);
  FAILS(EINVAL, clock_settime, 77, &t);
  as_nobody([] {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    FAILS(EPERM, clock_settime, CLOCK_REALTIME, &t);
    timeval tv = {t.tv_sec, 0};
    FAILS(EPERM, settimeofday, &tv, nullptr);
  });
}

TEST(adjtimex_reads) {
  timex tx = {};
  long state = OK(adjtimex, &tx);
  CHECK(state >= TIME_OK && state <= TIME_ERROR);
  FAILS(EFAULT, adjtimex, kBadPointer);
  as_nobody([] {
    timex tx = {};
    tx.modes = ADJ_FREQUENCY;
    FAILS(EPERM, adjtimex, &tx);
  });
  tx = {};
  CHECK_EQ(OK(clock_adjtime, CLOCK_REALTIME, &tx), state);
  CHECK(tx.time.tv_sec > 1'600'000'000);
  CHECK_EQ(tx.tick, 10'000);
  FAILS(EOPNOTSUPP, clock_adjtime, CLOCK_MONOTONIC, &tx);
  FAILS(EINVAL, clock_adjtime, 77, &tx);
}

TEST(nanosleep_sleeps_enough) {
  for (int64_t ns : {0l, 1l, 1000l, 100'000l, 10'000'000l}) {
    timespec t = ns_to_timespec(ns);
    int64_t start = now_ns();
    OK(nanosleep, &t, nullptr);
    CHECK(now_ns() - start >= ns);
  }
}

TEST(nanosleep_errnos) {
  timespec t = {0, 1'000'000'000};
  FAILS(EINVAL, nanosleep, &t, nullptr);
  t = {0, -1};
  FAILS(EINVAL, nanosleep, &t, nullptr);
  t = {-1, 0};
  FAILS(EINVAL, nanosleep, &t, nullptr);
  FAILS(EFAULT, nanosleep, kBadPointer, nullptr);
  FAILS(EFAULT, nanosleep, nullptr, nullptr);
}

TEST(clock_nanosleep_forms) {
  for (clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    timespec t = {0, 5'000'000};
    int64_t start = now_ns();
    OK(clock_nanosleep, clock, 0, &t, nullptr);
    CHECK(now_ns() - start >= 5'000'000);
    int64_t at = now_ns(clock) + 5'000'000;
    t = ns_to_timespec(at);
    OK(clock_nanosleep, clock, TIMER_ABSTIME, &t, nullptr);
    CHECK(now_ns(clock) >= at);
    // What is over already does not sleep.
    t = {1, 0};
    OK(clock_nanosleep, clock, TIMER_ABSTIME, &t, nullptr);
  }
}

TEST(clock_nanosleep_errnos) {
  timespec t = {0, 1};
  FAILS(EINVAL, clock_nanosleep, 77, 0, &t, nullptr);
  FAILS(EOPNOTSUPP, clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, nullptr);
  FAILS(EFAULT, clock_nanosleep, CLOCK_MONOTONIC, 0, kBadPointer, nullptr);
  t = {0, 1'000'000'000};
  FAILS(EINVAL, clock_nanosleep, CLOCK_MONOTONIC, 0, &t, nullptr);
  t = {-1, 0};
  FAILS(EINVAL, clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

// Sleeps until other threads have worked: alone it would not end.
TEST(clock_nanosleep_of_cpu_time) {
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop.load(std::memory_order_relaxed)) {
    }
  });
  int64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  timespec t = {0, 20'000'000};
  OK(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, nullptr);
  CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) >= start + 20'000'000);
  clockid_t of_worker;
  REQUIRE(pthread_getcpuclockid(worker.native_handle(), &of_worker) == 0);
  int64_t until = now_ns(of_worker) + 10'000'000;
  t = ns_to_timespec(until);
  OK(clock_nanosleep, of_worker, TIMER_ABSTIME, &t, nullptr);
  CHECK(now_ns(of_worker) >= until);
  t = {0, 1};
  OK(clock_nanosleep, of_worker, TIMER_ABSTIME, &t, nullptr);
  stop = true;
  worker.join();
  // join() may return a little before the thread is gone.
  CHECK(eventually([&] { return clock_gettime(of_worker, &t) == -1; }));
  t = {0, 1};
  FAILS(EINVAL, clock_nanosleep, of_worker, 0, &t, nullptr);
  clockid_t own;
  REQUIRE(pthread_getcpuclockid(pthread_self(), &own) == 0);
  FAILS(EINVAL, clock_nanosleep, own, 0, &t, nullptr);
}

TEST(sleeps_overlap) {
  // Twenty that sleep at once take as long as one.
  int64_t start = now_ns();
  for (int i = 0; i < 20; i++) start_child([] { sleep_ms(100); });
  for (int i = 0; i < 20; i++) REQUIRE(wait(nullptr) > 0);
  CHECK(now_ns() - start >= 100'000'000);
  CHECK(now_ns() - start < 1'900'000'000);
}

TEST(vdso_is_there) {
  auto* elf = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
  REQUIRE(elf != nullptr);
  CHECK_EQ(std::string_view(elf, 4), std::string_view("\177ELF", 4));
  // A call may be handed what lies in it: the dynamic linker prints names so.
  int ends[2];
  OK(pipe, ends);
  CHECK_EQ(OK(write, ends[1], elf, 64), 64);
  char copy[64];
  CHECK_EQ(OK(read, ends[0], copy, sizeof copy), 64);
  CHECK_EQ(std::string_view(copy, 64), std::string_view(elf, 64));
  CHECK_EQ(OK(write, ends[1], elf, 64), 64);
  FAILS(EFAULT, read, ends[0], const_cast<char*>(elf), 64);
  std::string maps = read_file("/proc/self/maps");
  char line[32];
  std::snprintf(line, sizeof line, "%lx-", reinterpret_cast<unsigned long>(elf));
  size_t at = maps.find(line);
  REQUIRE(at != std::string::npos);
  CHECK(maps.substr(at, maps.find('\n', at) - at).ends_with("[vdso]"));
}
