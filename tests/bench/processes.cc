// Rows: making and ending processes and threads, and signals.
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

using namespace bench;

namespace {

void fork_wait_loop(uint64_t n) {
  for (; n > 0; n--) {
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) _exit(0);
    need(waitpid(child, nullptr, 0) == child, "waitpid");
  }
}

[[noreturn]] void exec_self(const char* self) {
  char* argv[] = {const_cast<char*>("ub"), const_cast<char*>("--true"), nullptr};
  execve(self, argv, environ);
  _exit(9);
}

void wait_for_success(pid_t child) {
  int status = 0;
  need(child > 0 && waitpid(child, &status, 0) == child && status == 0, "exec");
}

void fork_exec_loop(uint64_t n) {
  for (; n > 0; n--) {
    pid_t child = fork();
    if (child == 0) exec_self(env.self.c_str());
    wait_for_success(child);
  }
}

// A frame of its own: nothing that the caller keeps in registers is at the mercy of the child.
[[gnu::noinline]] pid_t vfork_exec(const char* self) {
  pid_t child = vfork();
  if (child == 0) exec_self(self);
  return child;
}

char* touched(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  need(memory != MAP_FAILED, "mmap");
  madvise(memory, size, MADV_NOHUGEPAGE);
  memset(memory, 1, size);
  return static_cast<char*>(memory);
}

}  // namespace

BENCH_ROW(fork_wait) {
  fork_wait_loop(loop.n);
}

BENCH_ROW(fork_wait_64m) {
  constexpr size_t kSize = 64 << 20;
  char* memory = touched(kSize);
  loop.start();
  fork_wait_loop(loop.n);
  loop.stop();
  munmap(memory, kSize);
}

BENCH_ROW(fork_exec) {
  fork_exec_loop(loop.n);
}

BENCH_ROW(vfork_exec) {
  for (uint64_t n = loop.n; n > 0; n--) wait_for_success(vfork_exec(env.self.c_str()));
}

BENCH_ROW(fork_exec_64m) {
  constexpr size_t kSize = 64 << 20;
  char* memory = touched(kSize);
  loop.start();
  fork_exec_loop(loop.n);
  loop.stop();
  munmap(memory, kSize);
}

BENCH_ROW(pthread) {
  for (uint64_t n = loop.n; n > 0; n--) {
    pthread_t thread;
    need(pthread_create(
             &thread, nullptr, [](void* arg) { return arg; }, nullptr) == 0,
         "thread");
    pthread_join(thread, nullptr);
  }
}

BENCH_ROW(signal_self) {
  static volatile int count;
  struct sigaction action = {};
  action.sa_handler = [](int) { count = count + 1; };
  sigaction(SIGUSR1, &action, nullptr);
  pid_t self = getpid();
  for (uint64_t n = loop.n; n > 0; n--) kill(self, SIGUSR1);
}

// A store to a read-only page, whose handler makes it writable.
BENCH_ROW(segv_handler) {
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    auto page = reinterpret_cast<uintptr_t>(info->si_addr) & ~uintptr_t{4095};
    mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE);
  };
  sigaction(SIGSEGV, &action, nullptr);
  auto* page =
      static_cast<volatile char*>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  need(page != MAP_FAILED, "mmap");
  for (uint64_t n = loop.n; n > 0; n--) {
    mprotect(const_cast<char*>(page), 4096, PROT_READ);
    *page = 1;
  }
  munmap(const_cast<char*>(page), 4096);
  signal(SIGSEGV, SIG_DFL);
}
