// rt_sigaction, rt_sigprocmask, rt_sigpending, rt_sigsuspend, pause and what each flag of an action does.
#include <ucontext.h>

#include "harness/util.h"

using namespace guest;

namespace {

volatile int calls;
volatile int last_signal;

void note(int sig) {
  calls = calls + 1;
  last_signal = sig;
}

void set_handler(int sig, void (*handler)(int), int flags = 0) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  REQUIRE(sigaction(sig, &action, nullptr) == 0);
}

sigset_t set_of(std::initializer_list<int> sigs) {
  sigset_t set;
  sigemptyset(&set);
  for (int sig : sigs) sigaddset(&set, sig);
  return set;
}

void block(int how, std::initializer_list<int> sigs) {
  sigset_t set = set_of(sigs);
  OK(rt_sigprocmask, how, &set, nullptr, 8);
}

bool is_pending(int sig) {
  sigset_t set = {};
  OK(rt_sigpending, &set, 8);
  return sigismember(&set, sig) == 1;
}

bool is_blocked(int sig) {
  sigset_t set = {};
  sigprocmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, sig) == 1;
}

}  // namespace

TEST(action_every_signal_can_be_caught) {
  for (int sig = 1; sig <= 64; sig++) {
    if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33) continue;
    set_handler(sig, note);
    calls = 0;
    OK(tgkill, getpid(), gettid(), sig);
    // Having come back at all is rt_sigreturn's doing.
    if (CHECK_EQ(calls, 1)) cover("rt_sigreturn", 0);
    CHECK_EQ(last_signal, sig);
  }
}

TEST(action_returns_the_old) {
  set_handler(SIGUSR1, note, SA_RESTART);
  struct sigaction old = {};
  REQUIRE(sigaction(SIGUSR1, nullptr, &old) == 0);
  CHECK(old.sa_handler == note);
  CHECK_EQ(old.sa_flags & SA_RESTART, SA_RESTART);
  signal(SIGUSR1, SIG_DFL);
  REQUIRE(sigaction(SIGUSR1, nullptr, &old) == 0);
  CHECK(old.sa_handler == SIG_DFL);
}

TEST(action_errnos) {
  char action[32] = {};
  FAILS(EINVAL, rt_sigaction, 0, action, nullptr, 8);
  FAILS(EINVAL, rt_sigaction, 65, action, nullptr, 8);
  FAILS(EINVAL, rt_sigaction, SIGKILL, action, nullptr, 8);
  FAILS(EINVAL, rt_sigaction, SIGSTOP, action, nullptr, 8);
  OK(rt_sigaction, SIGKILL, nullptr, action, 8);
  FAILS(EINVAL, rt_sigaction, SIGUSR1, action, nullptr, 16);
  FAILS(EFAULT, rt_sigaction, SIGUSR1, kBadPointer, nullptr, 8);
  FAILS(EFAULT, rt_sigaction, SIGUSR1, nullptr, kBadPointer, 8);
}

TEST(action_default_effects) {
  for (int sig : {SIGHUP,  SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,
                  SIGUSR1, SIGSEGV,   SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU,
                  SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGSYS,  34,        64}) {
    int status = in_child([&] {
      rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      raise(sig);
    });
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), sig);
  }
  for (int sig : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}) {
    CHECK_EQ(in_child([&] { raise(sig); }), 0);
  }
  for (int sig : {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    pid_t child = start_child([&] { raise(sig); });
    int status;
    REQUIRE(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(WSTOPSIG(status), sig);
    kill(child, SIGCONT);
    CHECK_EQ(wait_child(child), 0);
  }
}

TEST(action_ignored) {
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  // Ignoring a pending signal throws it away.
  block(SIG_BLOCK, {SIGUSR2});
  set_handler(SIGUSR2, note);
  raise(SIGUSR2);
  CHECK(is_pending(SIGUSR2));
  signal(SIGUSR2, SIG_IGN);
  CHECK(!is_pending(SIGUSR2));
}

TEST(flag_siginfo) {
  static siginfo_t seen;
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void* context) {
    seen = *info;
    last_signal = context != nullptr;
  };
  sigaction(SIGUSR1, &action, nullptr);
  OK(kill, getpid(), SIGUSR1);
  CHECK_EQ(seen.si_signo, SIGUSR1);
  CHECK_EQ(seen.si_code, SI_USER);
  CHECK_EQ(seen.si_pid, getpid());
  CHECK_EQ(seen.si_uid, getuid());
  CHECK_EQ(last_signal, 1);
  OK(tgkill, getpid(), gettid(), SIGUSR1);
  CHECK_EQ(seen.si_code, SI_TKILL);
}

TEST(flag_resethand) {
  set_handler(SIGUSR1, note, SA_RESETHAND);
  raise(SIGUSR1);
  CHECK_EQ(last_signal, SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, nullptr, &now);
  CHECK(now.sa_handler == SIG_DFL);
}

TEST(flag_nodefer_and_mask) {
  static volatile bool self_blocked, other_blocked;
  struct sigaction action = {};
  action.sa_handler = [](int) {
    self_blocked = is_blocked(SIGUSR1);
    other_blocked = is_blocked(SIGUSR2);
  };
  action.sa_mask = set_of({SIGUSR2});
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  CHECK(self_blocked && other_blocked);
  CHECK(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
  action.sa_flags = SA_NODEFER;
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  CHECK(!self_blocked && other_blocked);
}

TEST(handlers_nest) {
  static std::string order;
  set_handler(SIGUSR1, [](int) {
    order += "[1";
    raise(SIGUSR2);
    order += "1]";
  });
  set_handler(SIGUSR2, [](int) { order += "2"; });
  raise(SIGUSR1);
  CHECK_EQ(order, std::string("[121]"));
  // The same one nests only with SA_NODEFER; else it comes after.
  order.clear();
  static int depth = 0;
  auto twice = [](int) {
    order += "(";
    if (++depth == 1) raise(SIGUSR1);
    order += ")";
  };
  set_handler(SIGUSR1, twice);
  raise(SIGUSR1);
  CHECK_EQ(order, std::string("()()"));
  order.clear();
  depth = 0;
  set_handler(SIGUSR1, twice, SA_NODEFER);
  raise(SIGUSR1);
  CHECK_EQ(order, std::string("(())"));
}

TEST(handler_changes_the_return_mask) {
  struct sigaction action = {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    sigaddset(&static_cast<ucontext_t*>(context)->uc_sigmask, SIGUSR2);
  };
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  CHECK(is_blocked(SIGUSR2));
  CHECK(!is_blocked(SIGUSR1));
}

TEST(mask_block_unblock_set) {
  block(SIG_BLOCK, {SIGUSR1, SIGUSR2});
  CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
  block(SIG_UNBLOCK, {SIGUSR1});
  CHECK(!is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
  block(SIG_SETMASK, {SIGTERM});
  CHECK(!is_blocked(SIGUSR2) && is_blocked(SIGTERM));
  // KILL and STOP cannot be blocked, and trying is no error.
  block(SIG_BLOCK, {SIGKILL, SIGSTOP});
  CHECK(!is_blocked(SIGKILL) && !is_blocked(SIGSTOP));
  sigset_t set = {};
  FAILS(EINVAL, rt_sigprocmask, 9, &set, nullptr, 8);
  FAILS(EINVAL, rt_sigprocmask, SIG_BLOCK, &set, nullptr, 4);
  FAILS(EFAULT, rt_sigprocmask, SIG_BLOCK, kBadPointer, nullptr, 8);
  FAILS(EFAULT, rt_sigprocmask, SIG_BLOCK, nullptr, kBadPointer, 8);
  FAILS(EINVAL, rt_sigpending, &set, 16);
  FAILS(EFAULT, rt_sigpending, kBadPointer, 8);
}

TEST(mask_holds_signals_back) {
  set_handler(SIGUSR1, note);
  block(SIG_BLOCK, {SIGUSR1});
  calls = 0;
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  CHECK_EQ(calls, 0);
  CHECK(is_pending(SIGUSR1));
  // Standard signals do not queue.
  block(SIG_UNBLOCK, {SIGUSR1});
  CHECK_EQ(calls, 1);
  CHECK(!is_pending(SIGUSR1));
}

TEST(sigsuspend_swaps_the_mask) {
  set_handler(SIGUSR1, note);
  block(SIG_BLOCK, {SIGUSR1, SIGUSR2});
  raise(SIGUSR1);
  calls = 0;
  sigset_t during = set_of({SIGUSR2});
  FAILS(EINTR, rt_sigsuspend, &during, 8);
  CHECK_EQ(calls, 1);
  CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
  FAILS(EINVAL, rt_sigsuspend, &during, 4);
  FAILS(EFAULT, rt_sigsuspend, kBadPointer, 8);
}

TEST(pause_returns_after_a_handler) {
  set_handler(SIGUSR1, note);
  pid_t parent = getpid();
  start_child([=] {
    for (int i = 0; i < 200; i++) {
      kill(parent, SIGUSR1);
      sleep_ms(10);
    }
  });
  FAILS(EINTR, pause);
}

TEST(alarm_counts_down) {
  set_handler(SIGALRM, note);
  CHECK_EQ(OK(alarm, 100), 0);
  long left = OK(alarm, 0);
  CHECK(left == 100 || left == 99);
  CHECK_EQ(OK(alarm, 0), 0);
}
