// See temporary_file.h.
#include "userland/lodge/image/temporary_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "userland/lodge/failure.h"

namespace lodge {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// What the signal handler takes away; set and cleared with those signals blocked.
char doomed_path[PATH_MAX];

void take_away_and_die(int signal) {
  if (doomed_path[0] != '\0') unlink(doomed_path);
  // The handler was reset on entry (SA_RESETHAND): the parent sees which signal it was.
  raise(signal);
}

// Changes the path under the handler's nose; an empty one disarms it.
void set_doomed(const std::string& path) {
  sigset_t ours, before;
  sigemptyset(&ours);
  for (int signal : kSignals) sigaddset(&ours, signal);
  sigprocmask(SIG_BLOCK, &ours, &before);
  snprintf(doomed_path, sizeof doomed_path, "%s", path.c_str());
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

void install_handlers() {
  struct sigaction action = {};
  action.sa_handler = take_away_and_die;
  action.sa_flags = SA_RESETHAND;
  for (int signal : kSignals) {
    struct sigaction old;
    sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);  // nohup stays nohup
  }
}

mode_t current_umask() {
  mode_t mask = umask(077);
  umask(mask);
  return mask;
}

}  // namespace

TemporaryFile::TemporaryFile(const std::string& target) : target_(target) {
  struct stat status;
  if (stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Failure(target + ": exists and is not a regular file");
  }
  path_ = target + ".tmp-XXXXXX";
  if (path_.size() >= PATH_MAX) throw host_failure(target, ENAMETOOLONG);
  install_handlers();
  fd_.reset(mkostemp(path_.data(), O_CLOEXEC));
  if (!fd_) throw host_failure(target, errno);
  set_doomed(path_);
  if (fchmod(fd_.get(), 0666 & ~current_umask()) != 0) {
    int error = errno;
    unlink(path_.c_str());
    throw host_failure(target, error);
  }
}

TemporaryFile::~TemporaryFile() {
  set_doomed("");
  if (!is_committed_) unlink(path_.c_str());
}

void TemporaryFile::commit() {
  if (rename(path_.c_str(), target_.c_str()) != 0) throw host_failure(target_, errno);
  is_committed_ = true;
}

}  // namespace lodge
