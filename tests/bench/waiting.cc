// Rows: two tasks that wait for each other, through pipes, futexes, sockets and the scheduler.
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "bench.h"

using namespace bench;

namespace {

constexpr size_t kBlock = 65536;

void ping(int out, int in, uint64_t n) {
  char c = 1;
  for (; n > 0; n--) need(write(out, &c, 1) == 1 && read(in, &c, 1) == 1, "ping");
}

[[noreturn]] void echo(int in, int out) {
  char c;
  while (read(in, &c, 1) == 1 && write(out, &c, 1) == 1) {
  }
  _exit(0);
}

void pipe_round_trips(Loop& loop) {
  int there[2], back[2];
  need(pipe(there) == 0 && pipe(back) == 0, "pipe");
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    close(there[1]);
    close(back[0]);
    echo(there[0], back[1]);
  }
  close(there[0]);
  close(back[1]);
  ping(there[1], back[0], 1);
  loop.start();
  ping(there[1], back[0], loop.n);
  loop.stop();
  close(there[1]);
  close(back[0]);
  waitpid(child, nullptr, 0);
}

struct Turn {
  std::atomic<int> word = 0;
  uint64_t n = 0;
  int flag = FUTEX_PRIVATE_FLAG;

  void set(int value) {
    word = value;
    syscall(SYS_futex, &word, FUTEX_WAKE | flag, 1, nullptr, nullptr, 0);
  }
  void until(int value) {
    for (int now; (now = word) != value;)
      syscall(SYS_futex, &word, FUTEX_WAIT | flag, now, nullptr, nullptr, 0);
  }
};

void futex_round_trips(Loop& loop) {
  Turn turn;
  turn.n = loop.n;
  auto other = [](void* arg) -> void* {
    auto* turn = static_cast<Turn*>(arg);
    for (uint64_t n = turn->n; n > 0; n--) {
      turn->until(1);
      turn->set(0);
    }
    return nullptr;
  };
  pthread_t thread;
  need(pthread_create(&thread, nullptr, other, &turn) == 0, "thread");
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) {
    turn.set(1);
    turn.until(0);
  }
  loop.stop();
  pthread_join(thread, nullptr);
}

int listen_on_loopback(sockaddr_in& address) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  need(listener >= 0, "socket");
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  need(bind(listener, generic, size) == 0 && listen(listener, 4) == 0, "bind");
  need(getsockname(listener, generic, &size) == 0, "getsockname");
  return listener;
}

int connect_to(const sockaddr_in& address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  need(fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void write_blocks(int fd, uint64_t n) {
  for (; n > 0; n--) {
    for (size_t done = 0; done < kBlock;) {
      ssize_t part = write(fd, buffer + done, kBlock - done);
      need(part > 0, "write");
      done += part;
    }
  }
}

void read_bytes(int fd, uint64_t left) {
  while (left > 0) {
    ssize_t part = read(fd, buffer, kBlock);
    need(part > 0, "read");
    left -= part;
  }
}

}  // namespace

BENCH_ROW_ONE_CPU(pipe_rt) {
  pipe_round_trips(loop);
}

BENCH_ROW(pipe_rt_free) {
  pipe_round_trips(loop);
}

BENCH_ROW_ONE_CPU(futex_rt) {
  futex_round_trips(loop);
}

BENCH_ROW(futex_rt_free) {
  futex_round_trips(loop);
}

BENCH_ROW_ONE_CPU(sockpair_rt) {
  int pair[2];
  need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    close(pair[0]);
    echo(pair[1], pair[1]);
  }
  close(pair[1]);
  ping(pair[0], pair[0], 1);
  loop.start();
  ping(pair[0], pair[0], loop.n);
  loop.stop();
  close(pair[0]);
  waitpid(child, nullptr, 0);
}

BENCH_ROW_ONE_CPU(tcp_rt) {
  sockaddr_in address;
  int listener = listen_on_loopback(address);
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    int fd = accept(listener, nullptr, nullptr), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    echo(fd, fd);
  }
  int fd = connect_to(address);
  close(listener);
  ping(fd, fd, 1);
  loop.start();
  ping(fd, fd, loop.n);
  loop.stop();
  close(fd);
  waitpid(child, nullptr, 0);
}

// One operation is 64 KiB; the receiver confirms the whole at the end.
BENCH_ROW_ONE_CPU(tcp_64k_tp) {
  sockaddr_in address;
  int listener = listen_on_loopback(address);
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    int fd = accept(listener, nullptr, nullptr);
    read_bytes(fd, loop.n * kBlock);
    _exit(write(fd, "k", 1) == 1 ? 0 : 1);
  }
  int fd = connect_to(address);
  close(listener);
  loop.start();
  write_blocks(fd, loop.n);
  read_bytes(fd, 1);
  loop.stop();
  close(fd);
  waitpid(child, nullptr, 0);
}

BENCH_ROW_ONE_CPU(pipe_64k_tp) {
  int fds[2];
  need(pipe(fds) == 0, "pipe");
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    close(fds[1]);
    read_bytes(fds[0], loop.n * kBlock);
    _exit(0);
  }
  close(fds[0]);
  loop.start();
  write_blocks(fds[1], loop.n);
  loop.stop();
  close(fds[1]);
  waitpid(child, nullptr, 0);
}

// Two processes that yield to each other: one own yield is two switches.
BENCH_ROW_ONE_CPU(yield_2procs) {
  auto* over = static_cast<std::atomic<bool>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  need(over != MAP_FAILED, "mmap");
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    while (!*over) sched_yield();
    _exit(0);
  }
  for (int i = 0; i < 20; i++) sched_yield();
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) sched_yield();
  loop.stop();
  *over = true;
  waitpid(child, nullptr, 0);
  munmap(over, 4096);
}

BENCH_ROW(nanosleep50us) {
  timespec t = {0, 50'000};
  for (uint64_t n = loop.n; n > 0; n--) nanosleep(&t, nullptr);
}
