// See child_process.h.
#include "userland/lodge/doctor/child_process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lodge {

int try_in_child(const std::function<int()>& attempt) {
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    prctl(PR_SET_DUMPABLE, 0);
    _exit(attempt());
  }
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : killed_by(WTERMSIG(status));
}

}  // namespace lodge
