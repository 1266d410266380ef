// Calls on sockets, given descriptors of something else.
#include <fcntl.h>
#include <sys/socket.h>

#include "harness/util.h"

using namespace guest;

namespace {

void each_fails(int error, int fd) {
  char buffer[64] = {};
  msghdr message = {};
  mmsghdr messages[1] = {};
  socklen_t length = sizeof buffer;
  FAILS(error, connect, fd, buffer, sizeof buffer);
  FAILS(error, accept, fd, buffer, &length);
  FAILS(error, accept4, fd, buffer, &length, SOCK_CLOEXEC);
  FAILS(error, sendto, fd, buffer, 1, 0, nullptr, 0);
  FAILS(error, recvfrom, fd, buffer, 1, 0, nullptr, nullptr);
  FAILS(error, sendmsg, fd, &message, 0);
  FAILS(error, recvmsg, fd, &message, 0);
  FAILS(error, sendmmsg, fd, messages, 1, 0);
  FAILS(error, recvmmsg, fd, messages, 1, 0, nullptr);
  FAILS(error, shutdown, fd, SHUT_RD);
  FAILS(error, bind, fd, buffer, sizeof buffer);
  FAILS(error, listen, fd, 1);
  FAILS(error, getsockname, fd, buffer, &length);
  FAILS(error, getpeername, fd, buffer, &length);
  FAILS(error, setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, buffer, 4);
  FAILS(error, getsockopt, fd, SOL_SOCKET, SO_TYPE, buffer, &length);
}

}  // namespace

TEST(no_socket_but_a_file) {
  int fd = open("f", O_CREAT | O_RDWR, 0600);
  REQUIRE(fd >= 0);
  each_fails(ENOTSOCK, fd);
  int fds[2];
  REQUIRE(pipe(fds) == 0);
  each_fails(ENOTSOCK, fds[0]);
}

TEST(no_socket_but_nothing) {
  each_fails(EBADF, -1);
  each_fails(EBADF, 1000);
  int path = open(".", O_PATH);
  REQUIRE(path >= 0);
  each_fails(EBADF, path);
}

TEST(no_socket_and_bad_arguments) {
  int fd = open("f", O_CREAT | O_RDWR, 0600);
  REQUIRE(fd >= 0);
  FAILS(EINVAL, accept4, fd, nullptr, nullptr, 1);
}
