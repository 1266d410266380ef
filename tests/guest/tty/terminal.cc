// Terminals as devices: the pair's life, settings, window size, controlling terminals, job control, TIOCSTI.
#include <sys/sysmacros.h>

#include "tty/pty.h"

using namespace guest;

namespace {

// A child that leads a session on this terminal.
template <typename Body>
int in_session(Pty& pty, Body body) {
  return in_child([&] {
    REQUIRE(setsid() == getpid());
    REQUIRE(ioctl(pty.slave, TIOCSCTTY, 0) == 0);
    body();
    // The terminal's hang-up comes with the leader's end.
    signal(SIGHUP, SIG_IGN);
  });
}

int catch_signal(int sig) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  return sigaction(sig, &action, nullptr);
}

}  // namespace

TEST(pty_pair) {
  Pty pty;
  struct stat st;
  REQUIRE(fstat(pty.slave, &st) == 0);
  CHECK(S_ISCHR(st.st_mode));
  CHECK_EQ(major(st.st_rdev), 136u);
  CHECK_EQ(st.st_uid, geteuid());
  CHECK(isatty(pty.slave) && isatty(pty.master));
  char name[64] = {};
  OK(readlink, ("/proc/self/fd/" + std::to_string(pty.slave)).c_str(), name, sizeof name - 1);
  CHECK_EQ(std::string(name), pty.name);
  int other = OK(ioctl, pty.master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  OK(write, other, "x", 1);
  CHECK_EQ(read_once(pty.master), std::string("x"));
}

TEST(pty_locked_at_first) {
  int master = OK(open, "/dev/ptmx", O_RDWR | O_NOCTTY);
  int number, locked = 0;
  OK(ioctl, master, TIOCGPTN, &number);
  OK(ioctl, master, TIOCGPTLCK, &locked);
  CHECK_EQ(locked, 1);
  std::string name = "/dev/pts/" + std::to_string(number);
  FAILS(EIO, open, name.c_str(), O_RDWR | O_NOCTTY);
  OK(close, master);
  CHECK(eventually([&] { return access(name.c_str(), F_OK) == -1; }));
}

TEST(pty_slave_goes_first) {
  Pty pty;
  OK(write, pty.slave, "last words", 10);
  OK(close, pty.slave);
  CHECK_EQ(read_bytes(pty.master, 10), std::string("last words"));
  char c;
  FAILS(EIO, read, pty.master, &c, 1);
  pollfd one = {pty.master, POLLIN, 0};
  CHECK_EQ(poll(&one, 1, 0), 1);
  CHECK(one.revents & POLLHUP);
  // Opened again, it goes on.
  pty.slave = OK(open, pty.name.c_str(), O_RDWR | O_NOCTTY);
  OK(write, pty.slave, "x", 1);
  CHECK_EQ(read_once(pty.master), std::string("x"));
}

TEST(pty_master_goes_first) {
  Pty pty;
  OK(close, pty.master);
  char c;
  CHECK(eventually([&] { return SYS(read, pty.slave, &c, 1) == 0; }));
  FAILS(EIO, write, pty.slave, "x", 1);
  FAILS(EIO, ioctl, pty.slave, TCGETS, &c);
}

TEST(settings_of_a_new_terminal) {
  Pty pty;
  termios t = pty.settings();
  CHECK_EQ(t.c_lflag & (ISIG | ICANON | ECHO | ECHOE | IEXTEN),
           tcflag_t{ISIG | ICANON | ECHO | ECHOE | IEXTEN});
  CHECK_EQ(t.c_iflag & (ICRNL | IXON), tcflag_t{ICRNL | IXON});
  CHECK_EQ(t.c_oflag & (OPOST | ONLCR), tcflag_t{OPOST | ONLCR});
  CHECK_EQ(t.c_cflag & (CSIZE | CREAD), tcflag_t{CS8 | CREAD});
  CHECK_EQ(t.c_cc[VINTR], 3);
  CHECK_EQ(t.c_cc[VEOF], 4);
  CHECK_EQ(t.c_cc[VERASE], 127);
  CHECK_EQ(t.c_cc[VSUSP], 26);
  CHECK_EQ(t.c_cc[VMIN], 1);
  CHECK_EQ(cfgetospeed(&t), speed_t{B38400});
  t.c_lflag &= ~ECHO;
  t.c_cc[VINTR] = 'q';
  OK(ioctl, pty.slave, TCSETSW, &t);
  // The pair has one set of them.
  termios other;
  REQUIRE(tcgetattr(pty.master, &other) == 0);
  CHECK_EQ(other.c_lflag & ECHO, 0u);
  CHECK_EQ(other.c_cc[VINTR], 'q');
}

TEST(terminal_errnos) {
  Pty pty;
  int null = OK(open, "/dev/null", O_RDWR);
  char data[256];
  FAILS(ENOTTY, ioctl, null, TCGETS, data);
  FAILS(ENOTTY, ioctl, null, TIOCGWINSZ, data);
  FAILS(EFAULT, ioctl, pty.slave, TCGETS, kBadPointer);
  FAILS(EFAULT, ioctl, pty.slave, TCSETS, kBadPointer);
  FAILS(EFAULT, ioctl, pty.slave, TIOCGWINSZ, kBadPointer);
  FAILS(ENOTTY, ioctl, pty.slave, 0x54ff, 0);
  FAILS(ENOTTY, ioctl, pty.slave, TIOCGPTN, data);
  FAILS(ENOTTY, ioctl, pty.slave, TIOCGPGRP, data);
  FAILS(ESPIPE, lseek, pty.slave, 0, SEEK_SET);
}

TEST(window_size) {
  Pty pty;
  winsize size = {};
  OK(ioctl, pty.slave, TIOCGWINSZ, &size);
  CHECK_EQ(size.ws_row + size.ws_col, 0);
  int status = in_session(pty, [&] {
    catch_signal(SIGWINCH);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    winsize next = {50, 132, 0, 0};
    OK(ioctl, pty.master, TIOCSWINSZ, &next);
    timespec t = {5, 0};
    CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &t, 8), SIGWINCH);
    // The same size again is no news.
    OK(ioctl, pty.master, TIOCSWINSZ, &next);
    t = {0, 20'000'000};
    FAILS(EAGAIN, rt_sigtimedwait, &set, nullptr, &t, 8);
    OK(ioctl, pty.slave, TIOCGWINSZ, &next);
    CHECK_EQ(next.ws_row, 50);
    CHECK_EQ(next.ws_col, 132);
  });
  CHECK_EQ(status, 0);
}

TEST(controlling_terminal) {
  Pty pty;
  int status = in_child([&] {
    REQUIRE(setsid() == getpid());
    FAILS(ENXIO, open, "/dev/tty", O_RDWR);
    // The first terminal that a leader opens becomes the session's.
    int fd = OK(open, pty.name.c_str(), O_RDWR);
    int tty = OK(open, "/dev/tty", O_RDWR);
    OK(write, tty, "by /dev/tty", 11);
    pid_t id = -1;
    OK(ioctl, fd, TIOCGSID, &id);
    CHECK_EQ(id, getpid());
    OK(ioctl, fd, TIOCGPGRP, &id);
    CHECK_EQ(id, getpid());
    std::string stat = read_file("/proc/self/stat");
    signal(SIGHUP, SIG_IGN);
    signal(SIGCONT, SIG_IGN);
    OK(ioctl, tty, TIOCNOTTY);
    FAILS(ENXIO, open, "/dev/tty", O_RDWR);
  });
  CHECK_EQ(status, 0);
  CHECK_EQ(read_bytes(pty.master, 11), std::string("by /dev/tty"));
}

TEST(controlling_terminal_is_refused) {
  Pty pty;
  FAILS(EPERM, ioctl, pty.slave, TIOCSCTTY, 0);
  int status = in_session(pty, [&] {
    // Taken by this session, it is not another's.
    CHECK_EQ(in_child([&] {
               setsid();
               FAILS(EPERM, ioctl, pty.slave, TIOCSCTTY, 0);
             }),
             0);
    Pty other;
    FAILS(EPERM, ioctl, other.slave, TIOCSCTTY, 0);
  });
  CHECK_EQ(status, 0);
}

TEST(keys_send_signals) {
  Pty pty;
  struct {
    char key;
    int sig;
  } rows[] = {{3, SIGINT}, {28, SIGQUIT}};
  for (auto& row : rows) {
    int status = in_session(pty, [&] {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, row.sig);
      sigprocmask(SIG_BLOCK, &set, nullptr);
      pty.type("dropped");
      pty.type(std::string(1, row.key));
      timespec t = {5, 0};
      CHECK_EQ(OK(rt_sigtimedwait, &set, nullptr, &t, 8), row.sig);
      // What was typed before is thrown away, unless NOFLSH.
      pty.type("kept\n");
      CHECK_EQ(read_once(pty.slave), std::string("kept\n"));
    });
    CHECK_EQ(status, 0);
  }
  // Without ISIG they are characters.
  pty.change([](termios& t) { t.c_lflag &= ~ISIG; });
  pty.type("\x03\n");
  CHECK_EQ(read_once(pty.slave), std::string("\x03\n"));
}

TEST(suspend_key_stops_the_foreground_group) {
  Pty pty;
  int status = in_session(pty, [&] {
    pid_t job = start_child([] {
      setpgid(0, 0);
      for (;;) pause();
    });
    setpgid(job, job);
    OK(ioctl, pty.slave, TIOCSPGRP, &job);
    pty.type("\x1a");
    int how;
    REQUIRE(waitpid(job, &how, WUNTRACED) == job);
    CHECK(WIFSTOPPED(how) && WSTOPSIG(how) == SIGTSTP);
    kill(job, SIGKILL);
  });
  CHECK_EQ(status, 0);
}

TEST(background_reads_and_writes) {
  Pty pty;
  int status = in_session(pty, [&] {
    auto job = [&](auto body) {
      pid_t child = start_child([&] {
        setpgid(0, 0);
        body();
      });
      setpgid(child, child);
      int how;
      REQUIRE(waitpid(child, &how, WUNTRACED) == child);
      if (WIFSTOPPED(how)) {
        kill(child, SIGKILL);
        wait_child(child);
      }
      return how;
    };
    char c;
    int how = job([&] { SYS(read, pty.slave, &c, 1); });
    CHECK(WIFSTOPPED(how) && WSTOPSIG(how) == SIGTTIN);
    // Writing is allowed, unless TOSTOP.
    CHECK_EQ(job([&] { OK(write, pty.slave, "x", 1); }), 0);
    pty.change([](termios& t) { t.c_lflag |= TOSTOP; });
    how = job([&] { SYS(write, pty.slave, "x", 1); });
    CHECK(WIFSTOPPED(how) && WSTOPSIG(how) == SIGTTOU);
    // Changing the settings or the foreground is not.
    how = job([&] {
      termios t;
      tcgetattr(pty.slave, &t);
      tcsetattr(pty.slave, TCSANOW, &t);
    });
    CHECK(WIFSTOPPED(how) && WSTOPSIG(how) == SIGTTOU);
    // Who ignores or blocks the signal: reading fails, writing goes on.
    CHECK_EQ(job([&] {
               signal(SIGTTIN, SIG_IGN);
               FAILS(EIO, read, pty.slave, &c, 1);
               signal(SIGTTOU, SIG_IGN);
               OK(write, pty.slave, "x", 1);
             }),
             0);
  });
  CHECK_EQ(status, 0);
}

TEST(foreground_group) {
  Pty pty;
  int status = in_session(pty, [&] {
    pid_t child = start_child([] {
      setpgid(0, 0);
      for (;;) pause();
    });
    setpgid(child, child);
    OK(ioctl, pty.slave, TIOCSPGRP, &child);
    pid_t seen = 0;
    OK(ioctl, pty.slave, TIOCGPGRP, &seen);
    CHECK_EQ(seen, child);
    signal(SIGTTOU, SIG_IGN);
    pid_t bad = -1;
    FAILS(EINVAL, ioctl, pty.slave, TIOCSPGRP, &bad);
    bad = 0x3ffffff;
    FAILS(ESRCH, ioctl, pty.slave, TIOCSPGRP, &bad);
    bad = getppid();
    CHECK_EQ(SYS(ioctl, pty.slave, TIOCSPGRP, &bad), -1);
    kill(child, SIGKILL);
  });
  CHECK_EQ(status, 0);
}

TEST(hangup_reaches_the_session) {
  Pty pty;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t leader = start_child([&] {
    REQUIRE(setsid() == getpid());
    REQUIRE(ioctl(pty.slave, TIOCSCTTY, 0) == 0);
    close(pty.master);
    REQUIRE(write(ready[1], "x", 1) == 1);
    for (;;) pause();
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  OK(close, pty.master);
  int status = wait_child(leader);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

TEST(leaders_end_hangs_up) {
  Pty pty;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t leader = start_child([&] {
    REQUIRE(setsid() == getpid());
    REQUIRE(ioctl(pty.slave, TIOCSCTTY, 0) == 0);
    start_child([&] {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGHUP);
      sigprocmask(SIG_BLOCK, &set, nullptr);
      REQUIRE(write(ready[1], "r", 1) == 1);
      timespec t = {5, 0};
      bool hung_up = SYS(rt_sigtimedwait, &set, nullptr, &t, 8) == SIGHUP;
      REQUIRE(write(ready[1], hung_up ? "h" : "n", 1) == 1);
    });
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1);
  });
  wait_child(leader);
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  CHECK_EQ(c, 'h');
}

TEST(typing_for_others_is_refused) {
  if (access("/proc/sys/dev/tty/legacy_tiocsti", F_OK) != 0) skip("no dev.tty.legacy_tiocsti");
  if (read_file("/proc/sys/dev/tty/legacy_tiocsti") != "0\n") skip("dev.tty.legacy_tiocsti is on");
  Pty pty;
  as_nobody([&] { FAILS(EIO, ioctl, pty.slave, TIOCSTI, "x"); });
}

TEST(packet_mode) {
  Pty pty;
  int on = 1;
  OK(ioctl, pty.master, TIOCPKT, &on);
  OK(write, pty.slave, "data", 4);
  CHECK_EQ(read_once(pty.master), std::string("\0data", 5));
}

TEST(exclusive_mode) {
  Pty pty;
  OK(chmod, pty.name.c_str(), 0666);
  OK(ioctl, pty.slave, TIOCEXCL);
  as_nobody([&] { FAILS(EBUSY, open, pty.name.c_str(), O_RDWR | O_NOCTTY); });
  OK(ioctl, pty.slave, TIOCNXCL);
}

TEST(reads_restart_or_not) {
  Pty pty;
  for (int flags : {SA_RESTART, 0}) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    action.sa_flags = flags;
    sigaction(SIGUSR1, &action, nullptr);
    pid_t parent = getpid();
    pid_t sender = start_child([&] {
      for (int i = 0; i < (flags != 0 ? 4 : 2000); i++) {
        sleep_ms(3);
        kill(parent, SIGUSR1);
      }
      pty.type("x\n");
      for (;;) pause();
    });
    char data[8];
    if (flags != 0) {
      CHECK_EQ(OK(read, pty.slave, data, sizeof data), 2);
    } else {
      FAILS(EINTR, read, pty.slave, data, sizeof data);
    }
    kill(sender, SIGKILL);
    wait_child(sender);
  }
}
