// The operations of the storm. Each is made of checked calls, and checks what they did besides.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storm/storm.h"

namespace storm {
namespace {

constexpr long kPage = 4096;

#define CALL(name, ...) STORM_CALL(worker.checker, name __VA_OPT__(, ) __VA_ARGS__)

// A call that has to succeed; a signal may interrupt it and it is then made again.
#define MUST(name, ...)                                                       \
  ({                                                                          \
    long must_result;                                                         \
    do {                                                                      \
      must_result = CALL(name, __VA_ARGS__);                                  \
    } while (must_result == -EINTR);                                          \
    if (must_result < 0) broken(#name " failed: %s", strerror(-must_result)); \
    must_result;                                                              \
  })

void fill_pattern(char* p, size_t size, uint64_t seed) {
  for (size_t i = 0; i < size; i += 8) {
    uint64_t value = seed + i;
    memcpy(p + i, &value, 8);
  }
}

void check_pattern(const char* what, const char* p, size_t size, uint64_t seed) {
  for (size_t i = 0; i < size; i += 8) {
    uint64_t value;
    memcpy(&value, p + i, 8);
    if (value != seed + i) broken("%s: byte %zu holds %#lx, not %#lx", what, i, value, seed + i);
  }
}

void ask(Worker& worker) {
  if (CALL(getpid) != getpid()) broken("getpid");
  if (CALL(gettid) != gettid()) broken("gettid");
  CALL(getppid);
  utsname name;
  MUST(uname, &name);
  timespec t;
  MUST(clock_gettime, CLOCK_MONOTONIC, &t);
}

void yield(Worker& worker) {
  MUST(sched_yield);
  timespec t = {0, static_cast<long>(worker.checker.random().below(100'000))};
  long result = CALL(nanosleep, &t, nullptr);
  if (result != 0 && result != -EINTR) broken("nanosleep: %ld", result);
}

void spin(Worker& worker) {
  worker.checker.spin(1000 + worker.checker.random().below(20'000));
}

void map(Worker& worker) {
  Random& random = worker.checker.random();
  size_t size = (1 + random.below(32)) * kPage;
  uint64_t seed = random.next();
  auto* p = reinterpret_cast<char*>(
      MUST(mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  check_pattern("fresh memory", p, 0, 0);
  fill_pattern(p, size, seed);
  MUST(mprotect, p, size, PROT_READ);
  check_pattern("read-only memory", p, size, seed);
  MUST(mprotect, p, size, PROT_READ | PROT_WRITE);
  if (random.below(2) == 0) {
    size_t grown = size + 16 * kPage;
    p = reinterpret_cast<char*>(MUST(mremap, p, size, grown, MREMAP_MAYMOVE));
    check_pattern("moved memory", p, size, seed);
    size = grown;
  }
  if (random.below(2) == 0) {
    MUST(madvise, p, size, MADV_DONTNEED);
    for (size_t i = 0; i < size; i += kPage) {
      if (p[i] != 0) broken("memory given back is not zero");
    }
  }
  MUST(munmap, p, size);
}

void pipe_through(Worker& worker) {
  Random& random = worker.checker.random();
  int fds[2];
  MUST(pipe2, fds, O_CLOEXEC);
  size_t size = (1 + random.below(512)) * 8;
  uint64_t seed = random.next();
  char out[4096], in[4096] = {};
  fill_pattern(out, size, seed);
  if (MUST(write, fds[1], out, size) != static_cast<long>(size)) broken("short write to a pipe");
  pollfd one = {fds[0], POLLIN, 0};
  if (MUST(poll, &one, 1, 0) != 1) broken("poll does not see what is in the pipe");
  if (MUST(read, fds[0], in, sizeof in) != static_cast<long>(size)) broken("short read from a pipe");
  check_pattern("pipe", in, size, seed);
  int copy = MUST(dup, fds[1]);
  MUST(close, fds[1]);
  MUST(close, copy);
  if (MUST(read, fds[0], in, 1) != 0) broken("no end of file");
  MUST(close, fds[0]);
}

void mirror(Worker& worker) {
  uint64_t sent = worker.checker.random().next(), got = 0;
  if (MUST(write, worker.to_mirror, &sent, 8) != 8) broken("short write to the mirror");
  if (MUST(read, worker.from_mirror, &got, 8) != 8) broken("the mirror has gone");
  if (got != ~sent) broken("the mirror sent %#lx, not %#lx", got, ~sent);
}

// The word goes to the echo thread and comes back; a lost wake-up is a hang, which the parent sees.
void ping(Worker& worker) {
  std::atomic<int>& word = worker.echo.word;
  word = 1;
  MUST(futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  while (word == 1) {
    long result = CALL(futex, &word, FUTEX_WAIT_PRIVATE, 1, nullptr, nullptr, 0);
    if (result != 0 && result != -EAGAIN && result != -EINTR) broken("futex: %ld", result);
  }
}

void files(Worker& worker) {
  Random& random = worker.checker.random();
  char name[100], other[100];
  snprintf(name, sizeof name, "%s/f-%d-%d", worker.options.dir.c_str(), worker.process, worker.thread);
  snprintf(other, sizeof other, "%s/g-%d-%d", worker.options.dir.c_str(), worker.process, worker.thread);
  uint64_t seed = random.next();
  size_t size = (1 + random.below(1024)) * 8;
  char out[8192], in[8192];
  fill_pattern(out, size, seed);
  int fd = MUST(openat, AT_FDCWD, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  off_t at = random.below(10'000);
  if (MUST(pwrite64, fd, out, size, at) != static_cast<long>(size)) broken("short write to a file");
  struct stat st;
  MUST(fstat, fd, &st);
  if (st.st_size != static_cast<off_t>(at + size))
    broken("a file of %zu bytes at %ld has size %ld", size, at, st.st_size);
  MUST(renameat2, AT_FDCWD, name, AT_FDCWD, other, 0);
  if (CALL(newfstatat, AT_FDCWD, name, &st, 0) != -ENOENT) broken("the old name is still there");
  if (MUST(pread64, fd, in, size, at) != static_cast<long>(size)) broken("short read from a file");
  check_pattern("file", in, size, seed);
  MUST(ftruncate, fd, 0);
  MUST(unlinkat, AT_FDCWD, other, 0);
  MUST(close, fd);
}

void signals(Worker& worker) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  MUST(rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
  MUST(tgkill, getpid(), gettid(), SIGUSR2);
  CALL(getpid);
  MUST(rt_sigprocmask, SIG_SETMASK, &old, nullptr, 8);
  MUST(tgkill, getpid(), gettid(), SIGUSR2);
}

// Waits for this child, which has to exit with this code.
void reap(Worker& worker, long child, int code) {
  int status = -1;
  if (MUST(wait4, child, &status, 0, nullptr) != child) broken("wait4 brought another child");
  if (status != code << 8) broken("child %ld ended with %#x, not with code %d", child, status, code);
}

void fork_child(Worker& worker) {
  uint64_t seed = worker.checker.random().next();
  char stack_pattern[1024];
  fill_pattern(stack_pattern, sizeof stack_pattern, seed);
  // Straight from the kernel, with its registers checked in parent and child: libc's locks may be held by
  // other threads, so the child keeps to calls.
  long child = MUST(fork);
  if (child == 0) {
    check_pattern("the child's stack", stack_pattern, sizeof stack_pattern, seed);
    // Signals for the child too; it did not inherit the parent's timers.
    itimerval often = {{0, 50}, {0, 50}};
    setitimer(ITIMER_REAL, &often, nullptr);
    for (int i = 0; i < 5; i++) {
      ask(worker);
      map(worker);
      pipe_through(worker);
    }
    fill_pattern(stack_pattern, sizeof stack_pattern, ~seed);
    _exit(static_cast<int>(seed & 0x7f));
  }
  reap(worker, child, static_cast<int>(seed & 0x7f));
  check_pattern("the parent's stack", stack_pattern, sizeof stack_pattern, seed);
}

void fork_exec(Worker& worker) {
  uint64_t seed = worker.checker.random().next();
  char number[32];
  snprintf(number, sizeof number, "%lu", seed);
  char* argv[] = {const_cast<char*>("storm"), const_cast<char*>("--exec-child"), number, nullptr};
  char* env[] = {nullptr};
  long child = MUST(fork);
  if (child == 0) {
    long result = CALL(execve, worker.options.self.c_str(), argv, env);
    broken("execve: %ld", result);
  }
  reap(worker, child, exec_child_code(seed));
}

void thread(Worker& worker) {
  uint64_t seed = worker.checker.random().next();
  pthread_t other;
  auto body = [](void* arg) -> void* {
    uint64_t seed = *static_cast<uint64_t*>(arg);
    Checker own(seed);
    for (int i = 0; i < 10; i++) STORM_CALL(own, gettid);
    *static_cast<uint64_t*>(arg) = ~seed;
    return arg;
  };
  uint64_t value = seed;
  int error = pthread_create(&other, nullptr, body, &value);
  if (error != 0) broken("pthread_create: %s", strerror(error));
  void* result = nullptr;
  pthread_join(other, &result);
  if (result != &value || value != ~seed) broken("a thread did not leave its result");
}

struct Operation {
  const char* name;
  void (*body)(Worker&);
  int weight;
};

constexpr Operation kOperations[] = {
    {"ask", ask, 20},           {"yield", yield, 4},     {"spin", spin, 10},     {"map", map, 20},
    {"pipe", pipe_through, 20}, {"mirror", mirror, 10},  {"ping", ping, 20},     {"files", files, 15},
    {"signals", signals, 10},   {"fork", fork_child, 2}, {"exec", fork_exec, 1}, {"thread", thread, 4},
};

}  // namespace

int exec_child_code(uint64_t seed) {
  return static_cast<int>(seed >> 7 & 0x7f);
}

int exec_child(uint64_t seed) {
  Options options;
  Worker worker(options, seed, 0, 0);
  for (int i = 0; i < 5; i++) {
    ask(worker);
    map(worker);
  }
  return exec_child_code(seed);
}

void run_operation(Worker& worker, Progress& progress) {
  int total = 0;
  for (const Operation& one : kOperations) total += one.weight;
  int chosen = static_cast<int>(worker.checker.random().below(total));
  for (const Operation& one : kOperations) {
    chosen -= one.weight;
    if (chosen < 0) {
      progress.doing = one.name;
      one.body(worker);
      break;
    }
  }
  progress.operations++;
}

}  // namespace storm
