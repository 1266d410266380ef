// fork, vfork, clone, clone3: what is copied, what is shared, flags and errnos.
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "harness/util.h"

using namespace guest;

namespace {

volatile int global = 1;

// A child on this stack's copy, as fork has it, with other flags.
long raw_clone(unsigned long flags, int* parent_tid = nullptr, int* child_tid = nullptr,
               void* tls = nullptr) {
  return SYS(clone, flags, nullptr, parent_tid, child_tid, tls);
}

clone_args clone3_args(uint64_t flags) {
  clone_args args = {};
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  return args;
}

}  // namespace

TEST(fork_copies_memory) {
  int local = 1;
  char* heap = new char[3 << 20];
  heap[1000000] = 'a';
  pid_t parent = getpid();
  int status = in_child([&] {
    CHECK_EQ(getppid(), parent);
    CHECK(getpid() != parent);
    CHECK_EQ(heap[1000000], 'a');
    global = 2;
    local = 2;
    heap[1000000] = 'b';
    _exit(42);
  });
  CHECK_EQ(status, exited(42));
  CHECK_EQ(global, 1);
  CHECK_EQ(local, 1);
  CHECK_EQ(heap[1000000], 'a');
}

TEST(fork_raw_syscalls) {
  pid_t child = OK(fork);
  if (child == 0) _exit(3);
  CHECK_EQ(wait_child(child), exited(3));
  // Through libc: a raw one would return from a frame that the child has already left.
  child = vfork();
  if (child == 0) _exit(4);
  REQUIRE(child > 0);
  cover("vfork", 0);
  CHECK_EQ(wait_child(child), exited(4));
}

TEST(fork_inherits) {
  umask(031);
  REQUIRE(setpriority(PRIO_PROCESS, 0, 5) == 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGUSR2, SIG_IGN);
  raise(SIGUSR1);
  alarm(100);
  prctl(PR_SET_NAME, "inherited");
  in_child([&] {
    CHECK_EQ(umask(0), 031u);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    CHECK(sigismember(&now, SIGUSR1));
    struct sigaction action;
    sigaction(SIGUSR2, nullptr, &action);
    CHECK(action.sa_handler == SIG_IGN);
    // Pending signals and the alarm clock are the parent's alone.
    sigset_t pending;
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1));
    CHECK_EQ(alarm(0), 0u);
    char name[16];
    prctl(PR_GET_NAME, name);
    CHECK_EQ(std::string(name), std::string("inherited"));
    rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    CHECK_EQ(usage.ru_maxrss, 0);
  });
}

TEST(fork_shares_shared_mappings) {
  auto* shared = static_cast<volatile int*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  REQUIRE(shared != MAP_FAILED);
  in_child([&] { shared[5] = 77; });
  CHECK_EQ(shared[5], 77);
}

TEST(fork_many_levels) {
  std::string text;
  auto* depth = static_cast<volatile int*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct Nest {
    static void go(volatile int* depth, int left) {
      *depth = *depth + 1;
      if (left > 0) CHECK_EQ(in_child([&] { go(depth, left - 1); }), 0);
    }
  };
  Nest::go(depth, 30);
  CHECK_EQ(*depth, 31);
}

TEST(fork_limit) {
  as_nobody([] {
    rlimit limit = {1, 1};
    REQUIRE(setrlimit(RLIMIT_NPROC, &limit) == 0);
    // A child, where there should be none, must not go on as a second one of us.
    auto must_fail = [](const char* syscall, long result) {
      int error = errno;
      if (result == 0) _exit(0);
      check_errno(GUEST_HERE, syscall, "beyond RLIMIT_NPROC", result, error, EAGAIN);
    };
    must_fail("fork", SYS(fork));
    must_fail("clone", SYS(clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  });
}

TEST(vfork_shares_memory_and_waits) {
  volatile int value = 1;
  pid_t child = vfork();
  REQUIRE(child >= 0);
  if (child == 0) {
    usleep(20'000);
    value = 2;
    _exit(9);
  }
  CHECK_EQ(value, 2);
  CHECK_EQ(wait_child(child), exited(9));
}

TEST(vfork_ends_at_exec) {
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  // The child's program blocks until this process closes its end: had vfork waited for it, nobody would.
  pid_t child = vfork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(pipes[0], 0);
    execl("/bin/sh", "sh", "-c", "read x; exit 6", nullptr);
    _exit(127);
  }
  close(pipes[1]);
  CHECK_EQ(wait_child(child), exited(6));
}

TEST(clone_flags_share) {
  volatile int value = 1;
  // CLONE_VM|CLONE_VFORK is what posix_spawn uses; the child runs on its own stack.
  alignas(16) static char stack[65536];
  int pid = clone(
      [](void* arg) -> int {
        *static_cast<volatile int*>(arg) = 5;
        return 8;
      },
      stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, const_cast<int*>(&value));
  REQUIRE(pid > 0);
  CHECK_EQ(value, 5);
  CHECK_EQ(wait_child(pid), exited(8));
}

TEST(clone_parent_and_child_tid) {
  auto* tids =
      static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  long child = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &tids[0], &tids[1]);
  REQUIRE(child >= 0);
  if (child == 0) _exit(tids[1] == SYS(gettid) ? 0 : 1);
  CHECK_EQ(tids[0], child);
  CHECK_EQ(wait_child(child), 0);
  CHECK_EQ(tids[1], child);
}

TEST(clone_child_cleartid) {
  auto* tid =
      static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  *tid = 1;
  // Cleared only in memory that others still use: a private copy nobody could look at.
  alignas(16) static char stack[65536];
  int child = clone([](void*) -> int { return 0; }, stack + sizeof stack,
                    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_VFORK | CLONE_VM | SIGCHLD, nullptr,
                    nullptr, nullptr, tid);
  REQUIRE(child >= 0);
  CHECK_EQ(wait_child(child), 0);
  CHECK_EQ(*tid, 0);
}

TEST(clone_exit_signal) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  long child = raw_clone(SIGUSR1);
  REQUIRE(child >= 0);
  if (child == 0) _exit(5);
  siginfo_t info;
  REQUIRE(sigwaitinfo(&set, &info) == SIGUSR1);
  CHECK_EQ(info.si_pid, child);
  CHECK_EQ(info.si_code, CLD_EXITED);
  CHECK_EQ(info.si_status, 5);
  // A child whose exit signal is another is waited for only with __WALL or __WCLONE.
  int status;
  CHECK_ERRNO(wait4, waitpid(child, &status, 0), ECHILD);
  CHECK_EQ(waitpid(child, &status, __WCLONE), child);
}

TEST(clone_parent_flag) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t middle = start_child([&] {
    long child = raw_clone(CLONE_PARENT | SIGCHLD);
    if (child == 0) {
      pid_t parent = getppid();
      REQUIRE(write(pipes[1], &parent, sizeof parent) == sizeof parent);
      _exit(0);
    }
    CHECK_ERRNO(wait4, waitpid(child, nullptr, 0), ECHILD);
  });
  CHECK_EQ(wait_child(middle), 0);
  pid_t parent;
  REQUIRE(read(pipes[0], &parent, sizeof parent) == sizeof parent);
  CHECK_EQ(parent, getpid());
  CHECK(waitpid(-1, nullptr, 0) > 0);
}

TEST(clone_bad_flags) {
  FAILS(EINVAL, clone, CLONE_SIGHAND | SIGCHLD, nullptr, nullptr, nullptr, 0);
  FAILS(EINVAL, clone, CLONE_THREAD | CLONE_VM, nullptr, nullptr, nullptr, 0);
  FAILS(EINVAL, clone, CLONE_FS | CLONE_NEWNS, nullptr, nullptr, nullptr, 0);
  FAILS(EINVAL, clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, nullptr, nullptr, nullptr, 0);
  // The TLS of the new thread has to be an address.
  FAILS(EPERM, clone, CLONE_SETTLS | SIGCHLD, nullptr, nullptr, nullptr, 0x8000000000000000);
}

TEST(clone_pidfd) {
  int pidfd = -1;
  long child = raw_clone(CLONE_PIDFD | SIGCHLD, &pidfd);
  REQUIRE(child >= 0);
  if (child == 0) _exit(12);
  CHECK(pidfd >= 0);
  CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
  siginfo_t info = {};
  CHECK_OK(waitid, waitid(P_PIDFD, pidfd, &info, WEXITED));
  CHECK_EQ(info.si_pid, child);
  CHECK_EQ(info.si_status, 12);
}

TEST(clone3_forks) {
  clone_args args = clone3_args(0);
  long child = OK(clone3, &args, sizeof args);
  if (child == 0) _exit(21);
  CHECK_EQ(wait_child(child), exited(21));
  // The oldest layout still does.
  child = OK(clone3, &args, CLONE_ARGS_SIZE_VER0);
  if (child == 0) _exit(22);
  CHECK_EQ(wait_child(child), exited(22));
}

TEST(clone3_errnos) {
  clone_args args = clone3_args(0);
  FAILS(EINVAL, clone3, &args, CLONE_ARGS_SIZE_VER0 - 1);
  FAILS(E2BIG, clone3, &args, 5000);
  FAILS(EFAULT, clone3, kBadPointer, sizeof args);
  args = clone3_args(CLONE_DETACHED);
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(CLONE_SIGHAND);
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(1ull << 60);
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(0);
  args.exit_signal = 65;
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(0);
  args.stack = 4096;
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(0);
  args.stack_size = 4096;
  FAILS(EINVAL, clone3, &args, sizeof args);
  args = clone3_args(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM);
  FAILS(EINVAL, clone3, &args, sizeof args);
  struct {
    clone_args known;
    uint64_t later;
  } big = {clone3_args(0), 1};
  FAILS(E2BIG, clone3, &big, sizeof big);
}

TEST(clone3_clear_sighand) {
  signal(SIGUSR1, [](int) {});
  signal(SIGUSR2, SIG_IGN);
  clone_args args = clone3_args(CLONE_CLEAR_SIGHAND);
  long child = OK(clone3, &args, sizeof args);
  if (child == 0) {
    struct sigaction action;
    sigaction(SIGUSR1, nullptr, &action);
    CHECK(action.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, nullptr, &action);
    CHECK(action.sa_handler == SIG_IGN);
    _exit(0);
  }
  CHECK_EQ(wait_child(child), 0);
}

TEST(getpid_family) {
  CHECK_EQ(OK(getpid), getpid());
  CHECK_EQ(OK(gettid), OK(getpid));
  CHECK(OK(getppid) > 0);
}
