// Pipes and FIFOs: pipe2, atomicity, ends that close, non-blocking ends, vmsplice-free basics.
#include <limits.h>
#include <poll.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

struct Pipe {
  explicit Pipe(int flags = 0) { REQUIRE(pipe2(fds, flags) == 0); }
  int in() const { return fds[0]; }
  int out() const { return fds[1]; }
  int fds[2];
};

}  // namespace

TEST(pipe_passes_bytes) {
  int fds[2];
  OK(pipe, fds);
  CHECK_EQ(fds[1], fds[0] + 1);
  CHECK_EQ(OK(write, fds[1], "hello", 5), 5);
  CHECK_EQ(OK(write, fds[1], " world", 6), 6);
  char text[32] = {};
  CHECK_EQ(OK(read, fds[0], text, 3), 3);
  CHECK_EQ(OK(read, fds[0], text + 3, sizeof text - 3), 8);
  CHECK_EQ(std::string(text), std::string("hello world"));
  FAILS(EBADF, read, fds[1], text, 1);
  FAILS(EBADF, write, fds[0], text, 1);
}

TEST(pipe2_flags) {
  int fds[2];
  OK(pipe2, fds, O_CLOEXEC | O_NONBLOCK);
  for (int fd : fds) {
    CHECK_EQ(OK(fcntl, fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(OK(fcntl, fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  }
  FAILS(EINVAL, pipe2, fds, O_APPEND);
  FAILS(EFAULT, pipe2, kBadPointer, 0);
  FAILS(EFAULT, pipe, kBadPointer);
  // A failed call leaves no descriptor behind.
  int next = OK(dup, 0);
  OK(close, next);
  FAILS(EFAULT, pipe, kKernelPointer);
  CHECK_EQ(OK(dup, 0), next);
}

TEST(pipe_end_of_file) {
  Pipe p;
  char c;
  OK(write, p.out(), "a", 1);
  OK(close, p.out());
  CHECK_EQ(OK(read, p.in(), &c, 1), 1);
  CHECK_EQ(OK(read, p.in(), &c, 1), 0);
  CHECK_EQ(OK(read, p.in(), &c, 1), 0);
}

TEST(pipe_broken) {
  Pipe p;
  OK(close, p.in());
  signal(SIGPIPE, SIG_IGN);
  FAILS(EPIPE, write, p.out(), "x", 1);
  CHECK_EQ(OK(write, p.out(), "", 0), 0);
  int status = in_child([&] {
    signal(SIGPIPE, SIG_DFL);
    SYS(write, p.out(), "x", 1);
  });
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

TEST(pipe_nonblocking) {
  Pipe p(O_NONBLOCK);
  char c;
  FAILS(EAGAIN, read, p.in(), &c, 1);
  std::string data(65536, 'x');
  CHECK_EQ(OK(write, p.out(), data.data(), data.size()), 65536);
  FAILS(EAGAIN, write, p.out(), "x", 1);
  // Room for less than PIPE_BUF: an atomic write waits for room, a longer one takes what there is.
  std::string back(4096, 0);
  CHECK_EQ(OK(read, p.in(), back.data(), 4096), 4096);
  CHECK_EQ(OK(write, p.out(), data.data(), 8192), 4096);
  CHECK_EQ(OK(read, p.in(), back.data(), 100), 100);
  FAILS(EAGAIN, write, p.out(), data.data(), PIPE_BUF);
}

TEST(pipe_blocks_until_there_is_room) {
  Pipe p;
  pid_t child = start_child([&] {
    std::string data(300'000, 0);
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<char>(i * 7);
    CHECK_EQ(OK(write, p.out(), data.data(), data.size()), 300'000);
  });
  close(p.out());
  std::string all;
  char part[7001];
  for (long n; (n = OK(read, p.in(), part, sizeof part)) > 0;) all.append(part, n);
  CHECK_EQ(all.size(), 300'000u);
  for (size_t i = 0; i < all.size(); i++) {
    if (all[i] != static_cast<char>(i * 7)) {
      CHECK_EQ(i, all.size());
      break;
    }
  }
  CHECK_EQ(wait_child(child), 0);
}

TEST(pipe_writes_are_atomic) {
  // Several writers of PIPE_BUF each: no piece is torn.
  Pipe p;
  constexpr int kWriters = 4, kRounds = 50;
  for (int i = 0; i < kWriters; i++) {
    start_child([&] {
      std::string data(PIPE_BUF, static_cast<char>('a' + i));
      for (int round = 0; round < kRounds; round++) OK(write, p.out(), data.data(), data.size());
    });
  }
  close(p.out());
  std::string piece(PIPE_BUF, 0);
  int pieces = 0;
  for (;;) {
    size_t have = 0;
    long n;
    while (have < piece.size() && (n = OK(read, p.in(), piece.data() + have, piece.size() - have)) > 0)
      have += n;
    if (have == 0) break;
    CHECK_EQ(have, piece.size());
    CHECK(piece == std::string(PIPE_BUF, piece[0]));
    pieces++;
  }
  CHECK_EQ(pieces, kWriters * kRounds);
}

TEST(pipe_reader_gets_what_is_there) {
  Pipe p;
  OK(write, p.out(), "abc", 3);
  char text[10];
  CHECK_EQ(OK(read, p.in(), text, sizeof text), 3);
}

// The writer fills the pipe while the reader copies, again and again: neither may miss that the other waits.
TEST_LIMIT(pipe_of_large_blocks, 60) {
  constexpr size_t kBlock = 1 << 20, kTotal = 256 * kBlock;
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  pid_t writer = start_child([&] {
    std::vector<char> block(kBlock, 'x');
    for (size_t done = 0; done < kTotal; done += kBlock)
      if (write(fds[1], block.data(), kBlock) != static_cast<ssize_t>(kBlock)) _exit(1);
    _exit(0);
  });
  close(fds[1]);
  std::vector<char> block(kBlock);
  size_t got = 0;
  for (ssize_t n; (n = read(fds[0], block.data(), kBlock)) > 0;) got += n;
  CHECK_EQ(got, kTotal);
  CHECK_EQ(wait_child(writer), 0);
}

TEST(pipe_packets) {
  Pipe p(O_DIRECT);
  OK(write, p.out(), "first", 5);
  OK(write, p.out(), "second", 6);
  char text[16] = {};
  CHECK_EQ(OK(read, p.in(), text, 3), 3);
  CHECK_EQ(OK(read, p.in(), text, sizeof text), 6);
  CHECK_EQ(std::string(text), std::string("second"));
}

TEST(pipe_many) {
  rlimit limit;
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  int count = 0;
  for (; count < 400; count++) {
    int fds[2];
    if (SYS(pipe, fds) != 0) break;
    REQUIRE(write(fds[1], "x", 1) == 1);
  }
  CHECK_EQ(count, 400);
}

TEST(fifo_open_waits_for_the_other_end) {
  OK(mknod, "fifo", S_IFIFO | 0600, 0);
  pid_t child = start_child([] {
    int fd = OK(open, "fifo", O_WRONLY);
    OK(write, fd, "hi", 2);
  });
  int fd = OK(open, "fifo", O_RDONLY);
  char text[4];
  CHECK_EQ(OK(read, fd, text, sizeof text), 2);
  CHECK_EQ(OK(read, fd, text, sizeof text), 0);
  CHECK_EQ(wait_child(child), 0);
}

TEST(fifo_read_write_does_not_wait) {
  OK(mknod, "fifo", S_IFIFO | 0600, 0);
  int fd = OK(open, "fifo", O_RDWR);
  OK(write, fd, "x", 1);
  char c;
  CHECK_EQ(OK(read, fd, &c, 1), 1);
}

TEST(fifo_again_after_hangup) {
  OK(mknod, "fifo", S_IFIFO | 0600, 0);
  int in = OK(open, "fifo", O_RDONLY | O_NONBLOCK);
  char c;
  // Without any writer: end of file, not EAGAIN.
  CHECK_EQ(OK(read, in, &c, 1), 0);
  int out = OK(open, "fifo", O_WRONLY);
  FAILS(EAGAIN, read, in, &c, 1);
  OK(write, out, "x", 1);
  OK(close, out);
  CHECK_EQ(OK(read, in, &c, 1), 1);
  CHECK_EQ(OK(read, in, &c, 1), 0);
  out = OK(open, "fifo", O_WRONLY | O_NONBLOCK);
  FAILS(EAGAIN, read, in, &c, 1);
}

TEST(pipe_by_proc_fd) {
  Pipe p;
  char link[64] = {};
  std::string path = "/proc/self/fd/" + std::to_string(p.in());
  OK(readlink, path.c_str(), link, sizeof link - 1);
  CHECK(std::string(link).starts_with("pipe:["));
  int again = OK(open, path.c_str(), O_WRONLY);
  OK(write, again, "x", 1);
  char c;
  CHECK_EQ(OK(read, p.in(), &c, 1), 1);
}
