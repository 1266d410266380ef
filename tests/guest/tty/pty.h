// A pseudo-terminal pair, and what cases do with it.
#pragma once

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "harness/util.h"

namespace guest {

struct Pty {
  int master = -1;
  int slave = -1;
  std::string name;

  explicit Pty(int slave_flags = O_RDWR | O_NOCTTY) {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(master >= 0);
    int unlock = 0, number = -1;
    REQUIRE(ioctl(master, TIOCSPTLCK, &unlock) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    name = "/dev/pts/" + std::to_string(number);
    slave = open(name.c_str(), slave_flags);
    REQUIRE(slave >= 0);
  }

  termios settings() const {
    termios t;
    REQUIRE(tcgetattr(slave, &t) == 0);
    return t;
  }

  template <typename Change>
  void change(Change change) {
    termios t = settings();
    change(t);
    REQUIRE(tcsetattr(slave, TCSANOW, &t) == 0);
  }

  void type(std::string_view keys) const {
    REQUIRE(write(master, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }
};

inline bool readable(int fd, int limit_ms = 0) {
  pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, limit_ms) == 1;
}

// What one read() returns, waiting for it up to five seconds; "<none>" if nothing comes.
inline std::string read_once(int fd) {
  char data[4096];
  if (!readable(fd, 5000)) return "<none>";
  ssize_t n = read(fd, data, sizeof data);
  return n < 0 ? "<" + errno_name(errno) + ">" : std::string(data, n);
}

// Reads until `size` bytes have come.
inline std::string read_bytes(int fd, size_t size) {
  std::string all;
  while (all.size() < size) {
    std::string part = read_once(fd);
    all += part;
    if (part.empty() || part[0] == '<') break;
  }
  return all;
}

}  // namespace guest
