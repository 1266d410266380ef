// splice(2), tee(2), vmsplice(2).
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

struct Pipe {
  explicit Pipe(int flags = 0) { REQUIRE(pipe2(fds, flags) == 0); }
  ~Pipe() { close(fds[0]), close(fds[1]); }
  int in() const { return fds[0]; }
  int out() const { return fds[1]; }
  int fds[2];
};

std::string pattern(size_t n) {
  std::string text(n, 0);
  for (size_t i = 0; i < n; i++) text[i] = static_cast<char>(i * 7 + i / 4096);
  return text;
}

int file_with(const char* name, const std::string& text) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  REQUIRE(fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

std::string take(int fd, size_t n) {
  std::string text(n, 0);
  size_t done = 0;
  while (done < n) {
    ssize_t got = read(fd, text.data() + done, n - done);
    if (got <= 0) break;
    done += got;
  }
  text.resize(done);
  return text;
}

}  // namespace

TEST(splice_file_to_pipe) {
  std::string text = pattern(10'000);
  int fd = file_with("f", text);
  Pipe p;
  CHECK_EQ(OK(splice, fd, nullptr, p.out(), nullptr, 5000, 0), 5000);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 5000);
  CHECK(take(p.in(), 5000) == text.substr(0, 5000));
  loff_t at = 9000;
  CHECK_EQ(OK(splice, fd, &at, p.out(), nullptr, 5000, SPLICE_F_MOVE), 1000);
  CHECK_EQ(at, 10'000);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 5000);
  CHECK(take(p.in(), 1000) == text.substr(9000));
  CHECK_EQ(OK(splice, fd, &at, p.out(), nullptr, 5000, 0), 0);  // the end of the file
}

TEST(splice_pipe_to_file) {
  std::string text = pattern(9000);
  int fd = file_with("f", "");
  Pipe p;
  OK(write, p.out(), text.data(), text.size());
  CHECK_EQ(OK(splice, p.in(), nullptr, fd, nullptr, 100, 0), 100);
  loff_t at = 50'000;
  CHECK_EQ(OK(splice, p.in(), nullptr, fd, &at, 5000, 0), 5000);
  CHECK_EQ(at, 55'000);
  CHECK_EQ(OK(splice, p.in(), nullptr, fd, nullptr, 1 << 20, 0), 3900);  // what there is
  CHECK_EQ(OK(lseek, fd, 0, SEEK_CUR), 4000);
  std::string got(55'000, 0);
  CHECK_EQ(OK(pread64, fd, got.data(), got.size(), 0), 55'000);
  CHECK(got.substr(0, 100) == text.substr(0, 100));
  CHECK(got.substr(100, 3900) == text.substr(5100));
  CHECK(got.substr(50'000) == text.substr(100, 5000));
  close(p.fds[1]);
  CHECK_EQ(OK(splice, p.in(), nullptr, fd, nullptr, 100, 0), 0);  // nobody writes any more
}

TEST(splice_pipe_to_pipe) {
  std::string text = pattern(20'000);
  Pipe a, b;
  OK(write, a.out(), text.data(), text.size());
  CHECK_EQ(OK(splice, a.in(), nullptr, b.out(), nullptr, 1000, 0), 1000);
  CHECK_EQ(OK(splice, a.in(), nullptr, b.out(), nullptr, 1 << 20, 0), 19'000);
  CHECK(take(b.in(), 20'000) == text);
  FAILS(EAGAIN, splice, a.in(), nullptr, b.out(), nullptr, 10, SPLICE_F_NONBLOCK);
  close(a.fds[1]);
  CHECK_EQ(OK(splice, a.in(), nullptr, b.out(), nullptr, 10, 0), 0);
}

TEST(splice_wakes_who_waits) {
  // One reader of a file, one mover, one writer: far more than the pipes hold.
  std::string text = pattern(3 << 20);
  int from = file_with("from", text), to = file_with("to", "");
  Pipe a, b;
  pid_t mover = start_child([&] {
    close(a.fds[1]);
    while (splice(a.in(), nullptr, b.out(), nullptr, 1 << 20, 0) > 0) {
    }
    _exit(0);
  });
  pid_t writer = start_child([&] {
    close(a.fds[1]);
    close(b.fds[1]);
    while (splice(b.in(), nullptr, to, nullptr, 1 << 20, 0) > 0) {
    }
    _exit(0);
  });
  close(b.fds[1]);
  for (ssize_t n; (n = splice(from, nullptr, a.out(), nullptr, 1 << 20, 0)) > 0;) {
  }
  close(a.fds[1]);
  int status = -1;
  OK(wait4, mover, &status, 0, nullptr);
  CHECK_EQ(status, 0);
  OK(wait4, writer, &status, 0, nullptr);
  CHECK_EQ(status, 0);
  std::string got(text.size() + 1, 0);
  CHECK_EQ(OK(pread64, to, got.data(), got.size(), 0), static_cast<ssize_t>(text.size()));
  got.pop_back();
  CHECK(got == text);
}

TEST(splice_waits_and_is_interrupted) {
  Pipe a, b;
  struct sigaction sa = {};
  sa.sa_handler = [](int) {};
  sigaction(SIGUSR1, &sa, nullptr);
  pid_t child = start_child([&] {
    FAILS(EINTR, splice, a.in(), nullptr, b.out(), nullptr, 10, 0);
    CHECK_EQ(OK(splice, a.in(), nullptr, b.out(), nullptr, 10, 0), 2);
  });
  std::string stat = "/proc/" + std::to_string(child) + "/stat";
  CHECK(eventually([&] { return read_file(stat.c_str()).find(") S ") != std::string::npos; }));
  kill(child, SIGUSR1);
  usleep(20'000);
  OK(write, a.out(), "ab", 2);
  char text[4] = {};
  CHECK_EQ(OK(read, b.in(), text, 4), 2);
  int status = -1;
  OK(wait4, child, &status, 0, nullptr);
  CHECK_EQ(status, 0);
}

TEST(splice_full_and_broken_pipes) {
  std::string text = pattern(70'000);
  int fd = file_with("f", text);
  signal(SIGPIPE, SIG_IGN);
  {
    Pipe p;
    CHECK_EQ(OK(splice, fd, nullptr, p.out(), nullptr, 70'000, SPLICE_F_NONBLOCK), 65'536);
    FAILS(EAGAIN, splice, fd, nullptr, p.out(), nullptr, 70'000, SPLICE_F_NONBLOCK);
    Pipe q;
    OK(write, q.out(), "x", 1);
    FAILS(EAGAIN, splice, q.in(), nullptr, p.out(), nullptr, 1, SPLICE_F_NONBLOCK);
    FAILS(EAGAIN, tee, q.in(), p.out(), 1, SPLICE_F_NONBLOCK);
    CHECK(take(p.in(), 65'536) == text.substr(0, 65'536));
  }
  Pipe p, q;
  close(p.fds[0]);
  OK(write, q.out(), "x", 1);
  FAILS(EPIPE, splice, fd, nullptr, p.out(), nullptr, 1, 0);
  FAILS(EPIPE, splice, q.in(), nullptr, p.out(), nullptr, 1, 0);
  FAILS(EPIPE, tee, q.in(), p.out(), 1, 0);
  char c = 0;
  CHECK_EQ(OK(read, q.in(), &c, 1), 1);  // nothing was lost
}

TEST(splice_devices) {
  Pipe p;
  int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
  CHECK_EQ(OK(splice, zero, nullptr, p.out(), nullptr, 8192, 0), 8192);
  CHECK(take(p.in(), 4096) == std::string(4096, 0));
  CHECK_EQ(OK(splice, p.in(), nullptr, null, nullptr, 1 << 16, 0), 4096);
}

TEST(splice_errors) {
  int fd = file_with("f", "hello"), other = file_with("g", "hello");
  Pipe p, q;
  loff_t at = 0, negative = -1;
  FAILS(EBADF, splice, -1, nullptr, p.out(), nullptr, 1, 0);
  FAILS(EBADF, splice, fd, nullptr, -1, nullptr, 1, 0);
  FAILS(EBADF, splice, p.out(), nullptr, q.out(), nullptr, 1, 0);
  FAILS(EBADF, splice, p.in(), nullptr, q.in(), nullptr, 1, 0);
  FAILS(EINVAL, splice, fd, nullptr, other, nullptr, 1, 0);  // no pipe
  FAILS(EINVAL, splice, fd, nullptr, p.out(), nullptr, 1, 16);
  FAILS(EINVAL, splice, p.in(), nullptr, p.out(), nullptr, 1, 0);  // itself
  FAILS(ESPIPE, splice, p.in(), &at, fd, nullptr, 1, 0);
  FAILS(ESPIPE, splice, fd, nullptr, p.out(), &at, 1, 0);
  FAILS(EINVAL, splice, fd, &negative, p.out(), nullptr, 1, 0);
  FAILS(EFAULT, splice, fd, static_cast<loff_t*>(kBadPointer), p.out(), nullptr, 1, 0);
  int appending = open("f", O_WRONLY | O_APPEND);
  OK(write, p.out(), "x", 1);
  FAILS(EINVAL, splice, p.in(), nullptr, appending, nullptr, 1, 0);
  int reading = open("f", O_RDONLY), writing = open("f", O_WRONLY);
  FAILS(EBADF, splice, p.in(), nullptr, reading, nullptr, 1, 0);
  FAILS(EBADF, splice, writing, nullptr, p.out(), nullptr, 1, 0);
  int event = eventfd(1, 0), directory = open(".", O_RDONLY);
  FAILS(EINVAL, splice, event, nullptr, p.out(), nullptr, 8, 0);
  FAILS(EINVAL, splice, directory, nullptr, p.out(), nullptr, 8, 0);
  CHECK_EQ(OK(splice, fd, nullptr, p.out(), nullptr, 0, 0), 0);
}

TEST(tee_copies) {
  std::string text = pattern(10'000);
  Pipe a, b;
  OK(write, a.out(), text.data(), text.size());
  CHECK_EQ(OK(tee, a.in(), b.out(), 6000, 0), 6000);
  CHECK(take(b.in(), 6000) == text.substr(0, 6000));
  CHECK_EQ(OK(tee, a.in(), b.out(), 1 << 20, 0), 10'000);
  CHECK(take(a.in(), 10'000) == text);
  CHECK(take(b.in(), 10'000) == text);
  FAILS(EAGAIN, tee, a.in(), b.out(), 1, SPLICE_F_NONBLOCK);
  close(a.fds[1]);
  CHECK_EQ(OK(tee, a.in(), b.out(), 1, 0), 0);
}

TEST(tee_errors) {
  int fd = file_with("f", "hello");
  Pipe p, q;
  FAILS(EBADF, tee, -1, p.out(), 1, 0);
  FAILS(EBADF, tee, p.in(), -1, 1, 0);
  FAILS(EBADF, tee, p.out(), q.out(), 1, 0);
  FAILS(EBADF, tee, p.in(), q.in(), 1, 0);
  FAILS(EINVAL, tee, fd, p.out(), 1, 0);
  FAILS(EINVAL, tee, p.in(), fd, 1, 0);
  FAILS(EINVAL, tee, p.in(), p.out(), 1, 0);
  FAILS(EINVAL, tee, p.in(), q.out(), 1, 16);
  CHECK_EQ(OK(tee, p.in(), q.out(), 0, 0), 0);
}

TEST(vmsplice_both_ways) {
  Pipe p;
  char one[] = "hello ", two[] = "world";
  iovec out[] = {{one, 6}, {two, 5}};
  CHECK_EQ(OK(vmsplice, p.out(), out, 2, 0), 11);
  char text[12] = {};
  iovec in[] = {{text, 4}, {text + 4, 7}};
  CHECK_EQ(OK(vmsplice, p.in(), in, 2, 0), 11);
  CHECK_EQ(std::string(text), std::string("hello world"));
  FAILS(EAGAIN, vmsplice, p.in(), in, 2, SPLICE_F_NONBLOCK);
  std::string much = pattern(100'000);
  iovec large = {much.data(), much.size()};
  // As many pages as the pipe takes; the first may be part of one only.
  ssize_t n = OK(vmsplice, p.out(), &large, 1, SPLICE_F_NONBLOCK);
  CHECK(n > 15 * 4096 && n <= 16 * 4096);
  FAILS(EAGAIN, vmsplice, p.out(), &large, 1, SPLICE_F_NONBLOCK);
  CHECK(take(p.in(), n) == much.substr(0, n));
}

TEST(vmsplice_errors) {
  Pipe p;
  char text[4] = {};
  iovec v = {text, 4}, bad = {kBadPointer, 4}, negative = {text, static_cast<size_t>(-1)};
  int fd = file_with("f", "hello");
  FAILS(EBADF, vmsplice, -1, &v, 1, 0);
  FAILS(EBADF, vmsplice, fd, &v, 1, 0);
  FAILS(EINVAL, vmsplice, p.out(), &v, 1, 16);
  FAILS(EINVAL, vmsplice, p.out(), &v, 2000, 0);
  FAILS(EINVAL, vmsplice, p.out(), &negative, 1, 0);
  FAILS(EFAULT, vmsplice, p.out(), &bad, 1, 0);
  FAILS(EFAULT, vmsplice, p.out(), static_cast<iovec*>(kBadPointer), 1, 0);
  CHECK_EQ(OK(vmsplice, p.out(), &v, 0, 0), 0);
}
