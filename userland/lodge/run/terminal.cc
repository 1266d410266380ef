#include "userland/lodge/run/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace lodge {

uint32_t window_size(int fd) {
  winsize w;
  if (ioctl(fd, TIOCGWINSZ, &w) != 0) return 0;
  return static_cast<uint32_t>(w.ws_col) << 16 | w.ws_row;
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios t;
  if (tcgetattr(fd, &t) != 0) return;
  saved_ = t;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  // Forked twice: it is no child of lodge's, which waits for its children to know when the VPS has gone.
  pid_t first = fork();
  if (first == 0 && fork() != 0) _exit(0);
  if (first == 0) {
    // Lives until the pipe's other end is gone, which is lodge's end; of the terminal's signals it wants
    // none.
    for (int s : {SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP, SIGTTOU, SIGTTIN, SIGPIPE}) signal(s, SIG_IGN);
    close(ends[1]);
    char said = 0;
    while (read(ends[0], &said, 1) < 0) {
    }
    if (said != 'k') tcsetattr(fd, TCSADRAIN, &t);
    _exit(0);
  }
  waitpid(first, nullptr, 0);
  close(ends[0]);
  keeper_pipe_ = ends[1];
}

void RawTerminal::enter() {
  if (!saved_) return;
  termios raw = *saved_;
  cfmakeraw(&raw);
  raw_ = tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

void RawTerminal::restore() {
  if (raw_) tcsetattr(fd_, TCSADRAIN, &*saved_);
  raw_ = false;
}

RawTerminal::~RawTerminal() {
  restore();
  if (keeper_pipe_ < 0) return;
  char done = 'k';
  while (write(keeper_pipe_, &done, 1) < 0 && errno == EINTR) {
  }
  close(keeper_pipe_);
}

}  // namespace lodge
