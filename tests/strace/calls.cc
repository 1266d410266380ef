// Makes calls whose trace is known, between access("/begin") and access("/end"). Static, and by syscall(2),
// so that what is traced is what stands here and not what a C library makes of it.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <initializer_list>

namespace {

constexpr const char* kFile = "/tmp/strace-test-file";
char buffer[256];

void files() {
  syscall(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY | O_CLOEXEC);
  syscall(SYS_open, 8, O_RDONLY);  // an address that is not there
  syscall(SYS_open, kFile, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0640);
  syscall(SYS_write, 3, "hello\n\"quoted\"\t\001\0017\377", 19);
  syscall(SYS_write, 3, "more than thirty-two bytes of it, all in one", 44);
  syscall(SYS_pread64, 3, buffer, 5, 0);
  syscall(SYS_pread64, 3, buffer, sizeof buffer, 0);
  syscall(SYS_lseek, 3, 0, SEEK_SET);
  syscall(SYS_lseek, 3, -5L, SEEK_CUR);
  struct stat st;
  syscall(SYS_fstat, 3, &st);
  syscall(SYS_stat, "/dev/null", &st);
  syscall(SYS_newfstatat, AT_FDCWD, "/no/such/file", &st, AT_SYMLINK_NOFOLLOW);
  syscall(SYS_fchmod, 3, 0600);
  syscall(SYS_umask, 077);
  syscall(SYS_umask, 022);
  syscall(SYS_fcntl, 3, F_SETFD, FD_CLOEXEC);
  syscall(SYS_fcntl, 3, F_GETFD);
  syscall(SYS_fcntl, 3, F_GETFL);
  syscall(SYS_dup3, 3, 9, O_CLOEXEC);
  syscall(SYS_close, 9);
  syscall(SYS_close, 9);
  syscall(SYS_ftruncate, 3, 4096);
  syscall(SYS_flock, 3, 6);
  syscall(SYS_ioctl, 3, 0x5401, buffer);
  syscall(SYS_close, 3);
  syscall(SYS_unlink, kFile);
  syscall(SYS_access, kFile, R_OK | W_OK);
  syscall(SYS_mkdirat, AT_FDCWD, "/proc/no", 0755);
  syscall(SYS_readlink, "/dev/null", buffer, sizeof buffer);
}

void pipes() {
  int fds[2];
  syscall(SYS_pipe2, fds, O_NONBLOCK | O_CLOEXEC);
  syscall(SYS_read, 3, buffer, 16);
  iovec out[2] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cde"), 3}};
  syscall(SYS_writev, 4, out, 2);
  pollfd wanted[2] = {{3, POLLIN, 0}, {4, POLLIN, 0}};
  syscall(SYS_poll, wanted, 2, 1000);
  iovec in[2] = {{buffer, 3}, {buffer + 8, 16}};
  syscall(SYS_readv, 3, in, 2);
  syscall(SYS_poll, wanted, 1, 0);
  syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
  epoll_event event = {EPOLLIN | EPOLLET, {}};
  event.data.u64 = 7;
  syscall(SYS_epoll_ctl, 5, EPOLL_CTL_ADD, 3, &event);
  syscall(SYS_write, 4, "x", 1);
  syscall(SYS_epoll_wait, 5, &event, 1, -1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(3, &set);
  syscall(SYS_select, 4, &set, nullptr, nullptr, nullptr);
  for (int fd : {3, 4, 5}) syscall(SYS_close, fd);
}

void memory() {
  void* p = mmap(reinterpret_cast<void*>(0x10000000), 8192, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mprotect(p, 4096, PROT_NONE);
  madvise(p, 4096, MADV_DONTNEED);
  munmap(p, 8192);
  mmap(nullptr, 0, PROT_READ, MAP_SHARED, 0, 0x1000);
}

void handler(int) {}

void signals() {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  } old, ignore{SIG_IGN, 0, nullptr, uint64_t{1} << (SIGINT - 1)};
  syscall(SYS_rt_sigaction, SIGUSR2, &ignore, &old, 8);
  syscall(SYS_rt_sigaction, SIGKILL, &ignore, nullptr, 8);
  uint64_t set = uint64_t{1} << (SIGCHLD - 1) | uint64_t{1} << (SIGINT - 1), was;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &was, 8);
  syscall(SYS_kill, getpid(), SIGUSR2);  // ignored, and shown all the same
  signal(SIGUSR1, handler);
  syscall(SYS_kill, getpid(), SIGUSR1);
  syscall(SYS_tgkill, 1 << 20, 1 << 20, SIGTERM);
}

// SIGCHLD is blocked until the child has been waited for.
void processes() {
  rlimit limit = {64, 128};
  syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit);
  syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
    syscall(SYS_exit_group, 3);
    __builtin_unreachable();
  }
  int status;
  syscall(SYS_wait4, -1, &status, 0, nullptr);
  uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, 8);
  syscall(SYS_wait4, -1, nullptr, WNOHANG, nullptr);
}

void time_and_futex() {
  timespec t = {0, 1000}, bad = {0, 1000000000};
  syscall(SYS_nanosleep, &t, nullptr);
  syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, nullptr);
  uint32_t word = 1;
  syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
  syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, nullptr);
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 1, &t, 0, ~0u);
  itimerval timer = {{0, 0}, {100, 0}};
  syscall(SYS_setitimer, ITIMER_REAL, &timer, nullptr);
  memset(&timer, 0, sizeof timer);
  syscall(SYS_setitimer, ITIMER_REAL, &timer, nullptr);
}

}  // namespace

int main() {
  syscall(SYS_umask, 022);
  syscall(SYS_access, "/begin", F_OK);
  files();
  pipes();
  memory();
  signals();
  processes();
  time_and_futex();
  syscall(0x1234, 1L, 2L, 3L, 4L, 5L, 6L);  // no such call
  syscall(SYS_access, "/end", F_OK);
  return 5;
}
