// One worker process: its threads, the echo thread and mirror process of each, the signals every 50 us.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <vector>

#include "storm/storm.h"

namespace storm {
namespace {

constexpr long kSignalPeriodNs = 50'000;

// What the handler needs; a thread of the storm's own has it, libc's and the short-lived ones have not.
struct HandlerState {
  explicit HandlerState(uint64_t seed) : checker(seed) {}
  Checker checker;
  Progress* progress = nullptr;
  bool spoils_registers = false;
};
thread_local HandlerState* handler_state = nullptr;

// Leaves nothing in the vector and x87 registers as it was, after a look at what a handler has to start with.
void on_signal(int, siginfo_t*, void* context) {
  int saved_errno = errno;
  uint32_t mxcsr;
  uint16_t control;
  uint64_t flags;
  asm volatile("stmxcsr %0; fnstcw %1; pushfq; pop %2" : "=m"(mxcsr), "=m"(control), "=r"(flags));
  if (mxcsr != 0x1f80 || control != 0x37f || (flags & 0x400) != 0) {
    broken("a handler started with MXCSR %#x, x87 control %#x, flags %#lx", mxcsr, control, flags);
  }
  asm volatile(
      "pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm3, %%xmm3; pcmpeqd %%xmm8, %%xmm8; pcmpeqd %%xmm15, %%xmm15\n\t"
      "fninit; fldpi; fldpi" ::
          : "xmm0", "xmm3", "xmm8", "xmm15");
  if (storm_has_avx)
    asm volatile("vpcmpeqd %%xmm5, %%xmm5, %%xmm5; vinsertf128 $1, %%xmm5, %%ymm5, %%ymm5" ::: "xmm5");
  uint32_t other = 0x7f80;
  asm volatile("ldmxcsr %0" : : "m"(other));
  if (HandlerState* state = handler_state; state != nullptr) {
    uint64_t count = ++state->progress->signals;
    // A call in the handler, now and then: the path nests in itself.
    if (count % 16 == 0) STORM_CALL(state->checker, getpid);
    if (state->spoils_registers)
      static_cast<ucontext_t*>(context)->uc_mcontext.fpregs->_xmm[11].element[1] ^= 1;
  }
  errno = saved_errno;
}

void catch_signals(bool restart) {
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (restart ? SA_RESTART : 0);
  for (int sig : {SIGUSR1, SIGUSR2, SIGALRM}) sigaction(sig, &action, nullptr);
}

void start_timer(int threads) {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = gettid();
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) broken("timer_create: %s", strerror(errno));
  long period = kSignalPeriodNs * threads;
  itimerspec often = {{0, period}, {0, period}};
  if (timer_settime(timer, 0, &often, nullptr) != 0) broken("timer_settime: %s", strerror(errno));
}

void* echo_thread(void* arg) {
  auto* echo = static_cast<Echo*>(arg);
  auto* word = &echo->word;
  for (uint64_t count = 0;; count++) {
    while (*word == 0) syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    *word = 0;
    if (echo->loses_a_wakeup && count > 100) continue;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  return nullptr;
}

[[noreturn]] void be_mirror(int in, int out) {
  for (uint64_t value; read(in, &value, 8) == 8;) {
    value = ~value;
    if (write(out, &value, 8) != 8) break;
  }
  _exit(0);
}

// Before any thread: what is forked is this thread only.
pid_t start_mirror(Worker& worker) {
  int there[2], back[2];
  if (pipe2(there, O_CLOEXEC) != 0 || pipe2(back, O_CLOEXEC) != 0) broken("pipe2: %s", strerror(errno));
  pid_t child = fork();
  if (child < 0) broken("fork: %s", strerror(errno));
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(there[1]);
    close(back[0]);
    be_mirror(there[0], back[1]);
  }
  close(there[0]);
  close(back[1]);
  worker.to_mirror = there[1];
  worker.from_mirror = back[0];
  return child;
}

struct ThreadStart {
  Worker* worker;
  Shared* shared;
};

void* worker_thread(void* arg) {
  auto [worker, shared] = *static_cast<ThreadStart*>(arg);
  Progress& progress = shared->slots[worker->process][worker->thread];
  HandlerState own(worker->seed + 1);
  own.progress = &progress;
  own.spoils_registers = worker->options.sabotage == Sabotage::kRegisters;
  handler_state = &own;
  // Half of the threads take their signals on an alternate stack.
  constexpr size_t kStack = 128 << 10;
  if (worker->thread % 2 == 0) {
    stack_t stack = {mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0,
                     kStack};
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, nullptr) != 0)
      broken("sigaltstack: %s", strerror(errno));
  }
  // Lost for good only where no signal ends the wait.
  if (!worker->echo.loses_a_wakeup) start_timer(worker->options.threads);
  while (!shared->stop) run_operation(*worker, progress);
  progress.doing = "done";
  // The timer's signals may still come while the thread ends.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  handler_state = nullptr;
  return nullptr;
}

}  // namespace

Worker::Worker(const Options& options, uint64_t seed, int process, int thread)
    : options(options), seed(seed), process(process), thread(thread), checker(seed), echo() {}

void run_process(const Options& options, Shared& shared, int process) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  catch_signals(process % 2 == 0);
  std::vector<Worker*> workers;
  std::vector<pid_t> mirrors;
  for (int i = 0; i < options.threads; i++) {
    uint64_t seed = options.seed * 1000 + process * 32 + i;
    workers.push_back(new Worker(options, seed, process, i));
    mirrors.push_back(start_mirror(*workers.back()));
  }
  std::vector<pthread_t> threads(options.threads);
  std::vector<ThreadStart> starts(options.threads);
  for (int i = 0; i < options.threads; i++) {
    workers[i]->echo.loses_a_wakeup = options.sabotage == Sabotage::kWakeup;
    pthread_t echo;
    if (pthread_create(&echo, nullptr, echo_thread, &workers[i]->echo) != 0) broken("no thread");
    // A Checker takes its thread's fs, so it is made anew where it runs.
    starts[i] = {workers[i], &shared};
    if (pthread_create(
            &threads[i], nullptr,
            [](void* arg) -> void* {
              auto* start = static_cast<ThreadStart*>(arg);
              start->worker->checker = Checker(start->worker->seed);
              return worker_thread(arg);
            },
            &starts[i]) != 0) {
      broken("no thread");
    }
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  for (Worker* worker : workers) close(worker->to_mirror);
  for (pid_t mirror : mirrors) {
    int status;
    while (waitpid(mirror, &status, 0) == -1 && errno == EINTR) {
    }
    if (status != 0) broken("a mirror ended with %#x", status);
  }
  _exit(0);
}

}  // namespace storm
