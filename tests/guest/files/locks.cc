// Advisory locks: flock, fcntl record locks, open file description locks.
#include <sys/file.h>

#include "harness/util.h"

using namespace guest;

namespace {

struct flock range(short type, off_t start = 0, off_t length = 0) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

long set_lock(int fd, short type, off_t start = 0, off_t length = 0, int command = F_SETLK) {
  struct flock lock = range(type, start, length);
  return SYS(fcntl, fd, command, &lock);
}

// What a child of this process sees in the way of a write lock there: F_UNLCK for nothing.
short seen_by_child(const char* path, off_t start, off_t length) {
  int status = in_child([&] {
    int fd = open(path, O_RDWR);
    struct flock lock = range(F_WRLCK, start, length);
    REQUIRE(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0);
    if (lock.l_type != F_UNLCK) CHECK_EQ(lock.l_pid, getppid());
    _exit(lock.l_type);
  });
  return static_cast<short>(WEXITSTATUS(status));
}

void interrupt_soon() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
  pid_t parent = getpid();
  start_child([=] {
    for (int i = 0; i < 2000; i++) {
      sleep_ms(3);
      kill(parent, SIGUSR1);
    }
  });
}

}  // namespace

TEST(flock_excludes) {
  int a = make_file("f");
  int b = OK(open, "f", O_RDONLY);
  OK(flock, a, LOCK_SH);
  OK(flock, b, LOCK_SH);
  FAILS(EAGAIN, flock, a, LOCK_EX | LOCK_NB);
  OK(flock, b, LOCK_UN);
  OK(flock, a, LOCK_EX);
  FAILS(EAGAIN, flock, b, LOCK_SH | LOCK_NB);
  // A copy is the same open file, and so is a child's.
  int copy = OK(dup, a);
  OK(flock, copy, LOCK_EX | LOCK_NB);
  in_child([&] { OK(flock, a, LOCK_UN); });
  OK(flock, b, LOCK_EX | LOCK_NB);
  OK(close, b);
  OK(flock, a, LOCK_EX | LOCK_NB);
  OK(close, a);
  b = OK(open, "f", O_RDONLY);
  // The copy holds it still.
  FAILS(EAGAIN, flock, b, LOCK_SH | LOCK_NB);
  OK(close, copy);
  OK(flock, b, LOCK_SH | LOCK_NB);
}

TEST(flock_waits) {
  int a = make_file("f");
  OK(flock, a, LOCK_EX);
  pid_t child = start_child([] {
    int fd = OK(open, "f", O_RDONLY);
    OK(flock, fd, LOCK_EX);
  });
  sleep_ms(20);
  CHECK_EQ(waitpid(child, nullptr, WNOHANG), 0);
  OK(flock, a, LOCK_UN);
  CHECK_EQ(wait_child(child), 0);
}

TEST(flock_errnos) {
  int a = make_file("f");
  FAILS(EBADF, flock, kNoFd, LOCK_SH);
  FAILS(EBADF, flock, (int)OK(open, "f", O_PATH), LOCK_SH);
  FAILS(EINVAL, flock, a, 0);
  FAILS(EINVAL, flock, a, LOCK_SH | LOCK_EX);
  OK(flock, a, LOCK_EX);
  interrupt_soon();
  int b = OK(open, "f", O_RDONLY);
  FAILS(EINTR, flock, b, LOCK_EX);
}

TEST(record_locks_between_processes) {
  int fd = make_file("f", std::string(100, 'x'));
  CHECK_EQ(set_lock(fd, F_WRLCK, 10, 10), 0);
  CHECK_EQ(seen_by_child("f", 0, 10), F_UNLCK);
  CHECK_EQ(seen_by_child("f", 19, 1), F_WRLCK);
  CHECK_EQ(seen_by_child("f", 20, 0), F_UNLCK);
  in_child([&] {
    // Not inherited by fork, though the descriptor is.
    CHECK_ERRNO(fcntl, set_lock(fd, F_RDLCK, 0, 0), EAGAIN);
    CHECK_EQ(set_lock(fd, F_RDLCK, 50, 10), 0);
  });
  // In the middle of one: it splits.
  CHECK_EQ(set_lock(fd, F_UNLCK, 14, 2), 0);
  CHECK_EQ(seen_by_child("f", 14, 2), F_UNLCK);
  CHECK_EQ(seen_by_child("f", 13, 1), F_WRLCK);
  CHECK_EQ(seen_by_child("f", 16, 1), F_WRLCK);
  CHECK_EQ(set_lock(fd, F_RDLCK, 16, 4), 0);
  CHECK_EQ(seen_by_child("f", 16, 1), F_RDLCK);
}

TEST(record_locks_go_with_any_close) {
  int fd = make_file("f");
  CHECK_EQ(set_lock(fd, F_WRLCK), 0);
  CHECK_EQ(seen_by_child("f", 0, 0), F_WRLCK);
  // Closing another descriptor of the file drops them: POSIX wants it so.
  int other = OK(open, "f", O_RDONLY);
  OK(close, other);
  CHECK_EQ(seen_by_child("f", 0, 0), F_UNLCK);
  pid_t child = start_child([] {
    int own = open("f", O_RDWR);
    REQUIRE(set_lock(own, F_WRLCK) == 0);
  });
  wait_child(child);
  CHECK_EQ(set_lock(fd, F_WRLCK), 0);
}

TEST(record_locks_wait_and_deadlock) {
  int fd = make_file("f");
  CHECK_EQ(set_lock(fd, F_WRLCK, 0, 1), 0);
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = start_child([&] {
    int own = open("f", O_RDWR);
    REQUIRE(set_lock(own, F_WRLCK, 1, 1) == 0);
    REQUIRE(write(ready[1], "x", 1) == 1);
    CHECK_EQ(set_lock(own, F_WRLCK, 0, 1, F_SETLKW), 0);
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  // It waits for ours, or will; for us to wait for its is a deadlock, once it does.
  CHECK(eventually([&] {
    if (set_lock(fd, F_WRLCK, 1, 1, F_SETLK) != -1) return false;
    return read_file(("/proc/" + std::to_string(child) + "/stat").c_str()).find(") S ") != std::string::npos;
  }));
  CHECK_ERRNO(fcntl, set_lock(fd, F_WRLCK, 1, 1, F_SETLKW), EDEADLK);
  CHECK_EQ(set_lock(fd, F_UNLCK), 0);
  CHECK_EQ(wait_child(child), 0);
}

TEST(description_locks) {
  int a = make_file("f");
  int b = OK(open, "f", O_RDWR);
  CHECK_EQ(set_lock(a, F_WRLCK, 0, 10, F_OFD_SETLK), 0);
  // Within one process, by another open file.
  CHECK_ERRNO(fcntl, set_lock(b, F_WRLCK, 5, 1, F_OFD_SETLK), EAGAIN);
  CHECK_ERRNO(fcntl, set_lock(b, F_WRLCK, 5, 1, F_SETLK), EAGAIN);
  struct flock seen = range(F_WRLCK, 0, 0);
  OK(fcntl, b, F_OFD_GETLK, &seen);
  CHECK_EQ(seen.l_pid, -1);
  CHECK_EQ(seen.l_len, 10);
  int other = OK(open, "f", O_RDWR);
  OK(close, other);
  CHECK_ERRNO(fcntl, set_lock(b, F_RDLCK, 0, 0, F_OFD_SETLK), EAGAIN);
  OK(close, a);
  CHECK_EQ(set_lock(b, F_RDLCK, 0, 0, F_OFD_SETLK), 0);
}

TEST(record_lock_errnos) {
  int fd = make_file("f");
  int read_only = OK(open, "f", O_RDONLY), write_only = OK(open, "f", O_WRONLY);
  struct flock lock = range(F_WRLCK);
  FAILS(EBADF, fcntl, kNoFd, F_SETLK, &lock);
  FAILS(EBADF, fcntl, read_only, F_SETLK, &lock);
  lock = range(F_RDLCK);
  FAILS(EBADF, fcntl, write_only, F_SETLK, &lock);
  FAILS(EFAULT, fcntl, fd, F_SETLK, kBadPointer);
  FAILS(EFAULT, fcntl, fd, F_GETLK, kBadPointer);
  lock = range(77);
  FAILS(EINVAL, fcntl, fd, F_SETLK, &lock);
  lock = range(F_RDLCK, -5, 1);
  FAILS(EINVAL, fcntl, fd, F_SETLK, &lock);
  lock = range(F_RDLCK, INT64_MAX, 2);
  FAILS(EOVERFLOW, fcntl, fd, F_SETLK, &lock);
  lock = range(F_RDLCK);
  lock.l_pid = 5;
  FAILS(EINVAL, fcntl, fd, F_OFD_SETLK, &lock);
  in_child([&] {
    int own = open("f", O_RDWR);
    REQUIRE(set_lock(own, F_WRLCK) == 0);
    pid_t waiter = start_child([&] {
      interrupt_soon();
      int mine = open("f", O_RDWR);
      CHECK_ERRNO(fcntl, set_lock(mine, F_WRLCK, 0, 0, F_SETLKW), EINTR);
    });
    CHECK_EQ(wait_child(waiter), 0);
  });
}
