// setitimer, getitimer, timer_create and kin: signals from time, values, overruns.
#include <sys/time.h>

#include "harness/util.h"

using namespace guest;

namespace {

volatile int ticks;

void tick(int) {
  ticks = ticks + 1;
}

void set_handler(int sig) {
  struct sigaction action = {};
  action.sa_handler = tick;
  REQUIRE(sigaction(sig, &action, nullptr) == 0);
  ticks = 0;
}

sigset_t blocked(int sig) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, sig);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  return set;
}

int new_timer(clockid_t clock, int notify = SIGEV_SIGNAL, int sig = SIGUSR1, int value = 0) {
  sigevent event = {};
  event.sigev_notify = notify;
  event.sigev_signo = sig;
  event.sigev_value.sival_int = value;
  int id = -1;
  OK(timer_create, clock, &event, &id);
  return id;
}

itimerspec after(int64_t first_ns, int64_t interval_ns = 0) {
  return {ns_to_timespec(interval_ns), ns_to_timespec(first_ns)};
}

// Uses processor time in user mode, until `done` or two seconds of it are gone.
template <typename Done>
void spin_until(Done done) {
  int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 2'000'000'000;
  while (!done() && now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
    for (volatile int i = 0; i < 200'000;) i = i + 1;
  }
}

}  // namespace

TEST(itimer_real) {
  set_handler(SIGALRM);
  itimerval value = {{0, 5000}, {0, 10000}};
  int64_t start = now_ns();
  OK(setitimer, ITIMER_REAL, &value, nullptr);
  while (ticks < 3) pause();
  CHECK(now_ns() - start >= 20'000'000);
  itimerval old = {};
  value = {};
  OK(setitimer, ITIMER_REAL, &value, &old);
  CHECK_EQ(old.it_interval.tv_usec, 5000);
  OK(getitimer, ITIMER_REAL, &old);
  CHECK_EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
}

TEST(itimer_once_then_off) {
  set_handler(SIGALRM);
  itimerval value = {{0, 0}, {0, 1000}};
  OK(setitimer, ITIMER_REAL, &value, nullptr);
  while (ticks < 1) sleep_ms(1);
  sleep_ms(10);
  CHECK_EQ(ticks, 1);
  OK(getitimer, ITIMER_REAL, &value);
  CHECK_EQ(value.it_value.tv_usec, 0);
}

TEST(itimer_virtual_and_prof) {
  set_handler(SIGVTALRM);
  itimerval value = {{0, 0}, {0, 20000}};
  OK(setitimer, ITIMER_VIRTUAL, &value, nullptr);
  sleep_ms(40);
  // Sleeping is no virtual time.
  CHECK_EQ(ticks, 0);
  spin_until([] { return ticks > 0; });
  CHECK_EQ(ticks, 1);
  set_handler(SIGPROF);
  OK(setitimer, ITIMER_PROF, &value, nullptr);
  spin_until([] { return ticks > 0; });
  CHECK_EQ(ticks, 1);
}

TEST(itimer_errnos) {
  itimerval value = {{0, 0}, {0, 1'000'000}};
  FAILS(EINVAL, setitimer, ITIMER_REAL, &value, nullptr);
  value = {{0, 0}, {-1, 0}};
  FAILS(EINVAL, setitimer, ITIMER_REAL, &value, nullptr);
  FAILS(EINVAL, setitimer, 3, &value, nullptr);
  FAILS(EINVAL, getitimer, 3, &value);
  FAILS(EFAULT, setitimer, ITIMER_REAL, kBadPointer, nullptr);
  FAILS(EFAULT, getitimer, ITIMER_REAL, kBadPointer);
}

TEST(timer_signals_with_value) {
  sigset_t set = blocked(SIGUSR1);
  int id = new_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1234);
  itimerspec value = after(5'000'000);
  OK(timer_settime, id, 0, &value, nullptr);
  siginfo_t info = {};
  CHECK_EQ(OK(rt_sigtimedwait, &set, &info, nullptr, 8), SIGUSR1);
  CHECK_EQ(info.si_code, SI_TIMER);
  CHECK_EQ(info.si_timerid, id);
  CHECK_EQ(info.si_value.sival_int, 1234);
  CHECK_EQ(info.si_overrun, 0);
  OK(timer_delete, id);
}

TEST(timer_overrun) {
  sigset_t set = blocked(SIGUSR1);
  int id = new_timer(CLOCK_MONOTONIC);
  itimerspec value = after(1'000'000, 1'000'000);
  OK(timer_settime, id, 0, &value, nullptr);
  sleep_ms(30);
  siginfo_t info = {};
  // One signal stands for all; what it stands for is counted.
  OK(rt_sigtimedwait, &set, &info, nullptr, 8);
  CHECK(info.si_overrun >= 20);
  CHECK_EQ(OK(timer_getoverrun, id), info.si_overrun);
  OK(timer_delete, id);
}

TEST(timer_gettime_and_disarm) {
  blocked(SIGUSR1);
  int id = new_timer(CLOCK_REALTIME);
  itimerspec value = after(100'000'000'000, 7), now;
  OK(timer_settime, id, 0, &value, nullptr);
  OK(timer_gettime, id, &now);
  CHECK(now.it_value.tv_sec == 99);
  CHECK_EQ(now.it_interval.tv_nsec, 7);
  itimerspec off = {};
  OK(timer_settime, id, 0, &off, &now);
  CHECK(now.it_value.tv_sec == 99);
  OK(timer_gettime, id, &now);
  CHECK_EQ(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
  OK(timer_delete, id);
  FAILS(EINVAL, timer_gettime, id, &now);
}

TEST(timer_absolute_time) {
  sigset_t set = blocked(SIGUSR1);
  int id = new_timer(CLOCK_MONOTONIC);
  int64_t at = now_ns() + 20'000'000;
  itimerspec value = after(at);
  OK(timer_settime, id, TIMER_ABSTIME, &value, nullptr);
  OK(rt_sigtimedwait, &set, nullptr, nullptr, 8);
  CHECK(now_ns() >= at);
  // In the past: at once.
  value = after(1);
  OK(timer_settime, id, TIMER_ABSTIME, &value, nullptr);
  OK(rt_sigtimedwait, &set, nullptr, nullptr, 8);
}

TEST(timer_to_one_thread) {
  sigset_t set = blocked(SIGUSR1);
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = gettid();
  int id;
  OK(timer_create, CLOCK_MONOTONIC, &event, &id);
  itimerspec value = after(1'000'000);
  OK(timer_settime, id, 0, &value, nullptr);
  OK(rt_sigtimedwait, &set, nullptr, nullptr, 8);
  event._sigev_un._tid = 0x3ffffff;
  FAILS(EINVAL, timer_create, CLOCK_MONOTONIC, &event, &id);
}

TEST(timer_on_cpu_time) {
  sigset_t set = blocked(SIGUSR1);
  int id = new_timer(CLOCK_PROCESS_CPUTIME_ID);
  itimerspec value = after(20'000'000);
  OK(timer_settime, id, 0, &value, nullptr);
  sigset_t pending;
  sleep_ms(40);
  sigpending(&pending);
  CHECK(!sigismember(&pending, SIGUSR1));
  spin_until([&] {
    sigpending(&pending);
    return sigismember(&pending, SIGUSR1) == 1;
  });
  OK(rt_sigtimedwait, &set, nullptr, nullptr, 8);
}

TEST(timer_default_event_is_sigalrm) {
  sigset_t set = blocked(SIGALRM);
  int id = -1;
  OK(timer_create, CLOCK_MONOTONIC, nullptr, &id);
  itimerspec value = after(1'000'000);
  OK(timer_settime, id, 0, &value, nullptr);
  siginfo_t info = {};
  CHECK_EQ(OK(rt_sigtimedwait, &set, &info, nullptr, 8), SIGALRM);
  CHECK_EQ(info.si_value.sival_int, id);
}

TEST(timer_silent) {
  int id = new_timer(CLOCK_MONOTONIC, SIGEV_NONE);
  itimerspec value = after(1'000'000), now;
  OK(timer_settime, id, 0, &value, nullptr);
  CHECK(eventually([&] {
    OK(timer_gettime, id, &now);
    return now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0;
  }));
}

TEST(timers_are_not_inherited) {
  blocked(SIGUSR1);
  int id = new_timer(CLOCK_MONOTONIC);
  in_child([=] {
    itimerspec now;
    FAILS(EINVAL, timer_gettime, id, &now);
  });
}

TEST(timer_errnos) {
  int id;
  sigevent event = {};
  itimerspec value = {};
  event.sigev_notify = 77;
  FAILS(EINVAL, timer_create, CLOCK_MONOTONIC, &event, &id);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 65;
  FAILS(EINVAL, timer_create, CLOCK_MONOTONIC, &event, &id);
  event.sigev_signo = SIGUSR1;
  FAILS(EINVAL, timer_create, 99, &event, &id);
  FAILS(EFAULT, timer_create, CLOCK_MONOTONIC, kBadPointer, &id);
  FAILS(EFAULT, timer_create, CLOCK_MONOTONIC, &event, kBadPointer);
  FAILS(EINVAL, timer_settime, 12345, 0, &value, nullptr);
  FAILS(EINVAL, timer_gettime, 12345, &value);
  FAILS(EINVAL, timer_getoverrun, 12345);
  FAILS(EINVAL, timer_delete, 12345);
  id = new_timer(CLOCK_MONOTONIC);
  FAILS(EINVAL, timer_settime, id, 0, nullptr, nullptr);
  FAILS(EFAULT, timer_settime, id, 0, kBadPointer, nullptr);
  FAILS(EFAULT, timer_gettime, id, kBadPointer);
  value.it_value.tv_nsec = 1'000'000'000;
  FAILS(EINVAL, timer_settime, id, 0, &value, nullptr);
}
