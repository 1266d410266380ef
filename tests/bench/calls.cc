// Rows: calls that only ask or change a number, from one caller and from several threads.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

using namespace bench;

namespace {

volatile int sink;

// `n` calls in each of `count` threads; the row's number is the wall time of one thread's call.
template <typename Call>
void in_threads(Loop& loop, int count, Call call) {
  struct Shared {
    pthread_barrier_t barrier;
    uint64_t n;
    Call call;
  } shared = {{}, loop.n, call};
  pthread_barrier_init(&shared.barrier, nullptr, count + 1);
  auto body = [](void* arg) -> void* {
    auto* shared = static_cast<Shared*>(arg);
    pthread_barrier_wait(&shared->barrier);
    for (uint64_t i = 0; i < shared->n; i++) shared->call();
    pthread_barrier_wait(&shared->barrier);
    return nullptr;
  };
  pthread_t threads[16];
  for (int i = 0; i < count; i++) need(pthread_create(&threads[i], nullptr, body, &shared) == 0, "thread");
  pthread_barrier_wait(&shared.barrier);
  loop.start();
  pthread_barrier_wait(&shared.barrier);
  loop.stop();
  for (int i = 0; i < count; i++) pthread_join(threads[i], nullptr);
}

// Opens descriptors of /dev/null up to `count`; the last one.
int many_fds(int count) {
  int fd = -1;
  while (fd < count) {
    fd = dup(env.null);
    need(fd >= 0, "dup");
  }
  return fd;
}

}  // namespace

// No call at all: says how alike the two sides' processors are.
BENCH_ROW(cpu_1000mul) {
  volatile uint64_t x = 1;
  for (uint64_t n = loop.n; n > 0; n--) {
    for (int i = 0; i < 1000; i++) x = x * 6364136223846793005ull + 1442695040888963407ull;
  }
}

// libc's own site: `mov $nr,%eax; syscall`.
BENCH_ROW(getppid) {
  for (uint64_t n = loop.n; n > 0; n--) sink = getppid();
}

// syscall(2): the mov is elsewhere.
BENCH_ROW(getppid_split) {
  for (uint64_t n = loop.n; n > 0; n--) sink = syscall(SYS_getppid);
}

BENCH_ROW(getpid) {
  for (uint64_t n = loop.n; n > 0; n--) sink = getpid();
}

BENCH_ROW(getpid_2threads) {
  in_threads(loop, 2, [] { sink = getpid(); });
}

BENCH_ROW(getpid_8threads) {
  in_threads(loop, 8, [] { sink = getpid(); });
}

BENCH_ROW(clock_gettime) {
  timespec t;
  for (uint64_t n = loop.n; n > 0; n--) clock_gettime(CLOCK_MONOTONIC, &t);
}

BENCH_ROW(read1_zero) {
  char c;
  for (uint64_t n = loop.n; n > 0; n--) need(read(env.zero, &c, 1) == 1, "read");
}

BENCH_ROW(write1_null) {
  char c = 0;
  for (uint64_t n = loop.n; n > 0; n--) need(write(env.null, &c, 1) == 1, "write");
}

BENCH_ROW(select1) {
  for (uint64_t n = loop.n; n > 0; n--) {
    timeval none = {};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(env.null, &set);
    need(select(env.null + 1, &set, nullptr, nullptr, &none) == 1, "select");
  }
}

BENCH_ROW(poll_100fds) {
  int last = many_fds(200);
  pollfd fds[100];
  for (int i = 0; i < 100; i++) fds[i] = {last - i, POLLIN, 0};
  for (uint64_t n = loop.n; n > 0; n--) need(poll(fds, 100, 0) == 100, "poll");
  for (int i = 0; i < 100; i++) close(last - i);
}

BENCH_ROW(epoll_100fds) {
  int epoll = epoll_create1(0), pipes[100][2];
  for (auto& one : pipes) {
    epoll_event event = {EPOLLIN, {.fd = 0}};
    need(pipe(one) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, one[0], &event) == 0, "epoll_ctl");
  }
  need(write(pipes[50][1], "x", 1) == 1, "write");
  epoll_event out[8];
  for (uint64_t n = loop.n; n > 0; n--) need(epoll_wait(epoll, out, 8, 0) == 1, "epoll_wait");
  for (auto& one : pipes) {
    close(one[0]);
    close(one[1]);
  }
  close(epoll);
}

BENCH_ROW(fstat) {
  struct stat st;
  for (uint64_t n = loop.n; n > 0; n--) need(fstat(env.data, &st) == 0, "fstat");
}

BENCH_ROW(fstat_fd900) {
  int fd = many_fds(900);
  struct stat st;
  for (uint64_t n = loop.n; n > 0; n--) need(fstat(fd, &st) == 0, "fstat");
  for (; fd > 20; fd--) close(fd);
}

BENCH_ROW(fstat_4threads) {
  in_threads(loop, 4, [] {
    struct stat st;
    need(fstat(env.data, &st) == 0, "fstat");
  });
}

BENCH_ROW(lseek) {
  for (uint64_t n = loop.n; n > 0; n--) need(lseek(env.data, 0, SEEK_SET) == 0, "lseek");
}

BENCH_ROW(dup_close_fd900) {
  int fd = many_fds(900);
  for (uint64_t n = loop.n; n > 0; n--) {
    int copy = dup(env.null);
    need(copy >= 0 && close(copy) == 0, "dup");
  }
  for (; fd > 20; fd--) close(fd);
}

BENCH_ROW(sched_yield1) {
  for (uint64_t n = loop.n; n > 0; n--) sched_yield();
}
