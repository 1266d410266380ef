// Process groups and sessions: setpgid, getpgid, setsid, getsid, orphaned groups.
#include <sys/prctl.h>

#include "harness/util.h"

using namespace guest;

TEST(setpgid_of_self_and_child) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  CHECK_EQ(OK(getpgid, child), getpgrp());
  OK(setpgid, child, child);
  CHECK_EQ(OK(getpgid, child), child);
  OK(setpgid, child, getpgrp());
  CHECK_EQ(OK(getpgid, child), getpgrp());
  kill(child, SIGKILL);
  in_child([] {
    OK(setpgid, 0, 0);
    CHECK_EQ(OK(getpgrp), getpid());
    CHECK_EQ(OK(getpgid, 0), getpid());
  });
}

TEST(setpgid_errnos) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t leader = start_child([&] {
    setsid();
    REQUIRE(write(ready[1], "x", 1) == 1);
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  FAILS(EPERM, setpgid, leader, getpgrp());
  FAILS(EINVAL, setpgid, 0, -1);
  FAILS(ESRCH, setpgid, 0x3ffffff, 0);
  FAILS(ESRCH, setpgid, getppid(), 0);
  FAILS(EPERM, setpgid, 0, leader);
  pid_t plain = start_child([] {
    for (;;) pause();
  });
  FAILS(EPERM, setpgid, plain, 0x3ffffff);
  pid_t other = start_child([&] {
    execl("/bin/sleep", "sleep", "100", nullptr);
    _exit(1);
  });
  // A child that has executed a program is out of reach.
  CHECK(eventually([&] { return setpgid(other, other) == -1 && errno == EACCES; }));
  FAILS(EACCES, setpgid, other, other);
  in_child([] {
    setsid();
    FAILS(EPERM, setpgid, 0, 0);
  });
  for (pid_t pid : {leader, plain, other}) kill(pid, SIGKILL);
}

TEST(setsid_makes_a_session) {
  pid_t old_session = getsid(0);
  in_child([&] {
    CHECK_EQ(OK(getsid, 0), old_session);
    CHECK_EQ(OK(setsid), getpid());
    CHECK_EQ(OK(getsid, 0), getpid());
    CHECK_EQ(OK(getpgrp), getpid());
    FAILS(EPERM, setsid);
  });
  // The leader of a group may not.
  FAILS(EPERM, setsid);
  FAILS(ESRCH, getsid, 0x3ffffff);
  FAILS(ESRCH, getpgid, 0x3ffffff);
}

TEST(setsid_while_the_group_lives) {
  // A process whose pid still names a group of others may not become a leader of that name.
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  in_child([&] {
    setpgid(0, 0);
    pid_t member = start_child([&] {
      REQUIRE(write(ready[1], "x", 1) == 1);
      for (;;) pause();
    });
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1);
    OK(setpgid, 0, getppid());
    FAILS(EPERM, setsid);
    kill(member, SIGKILL);
    wait_child(member);
    OK(setsid);
  });
}

TEST(kill_a_group) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t leader = start_child([&] {
    setpgid(0, 0);
    start_child([&] {
      REQUIRE(write(ready[1], "x", 1) == 1);
      for (;;) pause();
    });
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  OK(kill, -leader, 0);
  OK(kill, -leader, SIGKILL);
  CHECK_EQ(WTERMSIG(wait_child(leader)), SIGKILL);
  CHECK(eventually([&] { return kill(-leader, 0) == -1 && errno == ESRCH; }));
  FAILS(ESRCH, kill, -leader, SIGTERM);
}

TEST(orphaned_group_is_woken) {
  // When the last parent in its session but outside it leaves, a group with a stopped member gets SIGHUP and
  // SIGCONT. The process that inherits the member is of another session.
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int report[2], ready[2];
  REQUIRE(pipe(report) == 0 && pipe(ready) == 0);
  pid_t middle = start_child([&] {
    setsid();
    pid_t member = start_child([&] {
      setpgid(0, 0);
      static int out;
      out = report[1];
      struct sigaction action = {};
      action.sa_handler = [](int sig) {
        char name = sig == SIGHUP ? 'H' : 'C';
        [[maybe_unused]] ssize_t n = write(out, &name, 1);
      };
      sigaction(SIGHUP, &action, nullptr);
      sigaction(SIGCONT, &action, nullptr);
      REQUIRE(write(ready[1], "x", 1) == 1);
      raise(SIGSTOP);
      _exit(0);
    });
    setpgid(member, member);
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1);
    int status;
    REQUIRE(waitpid(member, &status, WUNTRACED) == member && WIFSTOPPED(status));
  });
  wait_child(middle);
  std::string seen(2, 0);
  REQUIRE(read(report[0], &seen[0], 1) == 1);
  REQUIRE(read(report[0], &seen[1], 1) == 1);
  CHECK(seen == "HC" || seen == "CH");
  REQUIRE(wait(nullptr) > 0);
}

TEST(orphaned_group_does_not_stop_by_terminal_signals) {
  // SIGTSTP's default action is dropped in an orphaned group; SIGSTOP's never.
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int status = in_child([] {
    setsid();
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    _exit(5);
  });
  CHECK_EQ(status, exited(5));
}
