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

// What the signal handler takes away; changed only under SignalsHeld.
char doomed_path[PATH_MAX];

void take_away_and_die(int signal) {
  if (doomed_path[0] != '\0') unlink(doomed_path);
  // The handler was reset on entry (SA_RESETHAND): the parent sees which signal it was.
  raise(signal);
}

// Keeps the handler out while a file and its doomed path change together.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t ours;
    sigemptyset(&ours);
    for (int signal : kSignals) sigaddset(&ours, signal);
    sigprocmask(SIG_BLOCK, &ours, &before_);
  }
  ~SignalsHeld() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

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
  SignalsHeld held;
  fd_.reset(mkostemp(path_.data(), O_CLOEXEC));
  if (!fd_) throw host_failure(target, errno);
  if (fchmod(fd_.get(), 0666 & ~current_umask()) != 0) {
    int error = errno;
    unlink(path_.c_str());
    throw host_failure(target, error);
  }
  snprintf(doomed_path, sizeof doomed_path, "%s", path_.c_str());
}

TemporaryFile::~TemporaryFile() {
  SignalsHeld held;
  doomed_path[0] = '\0';
  if (!is_committed_) unlink(path_.c_str());
}

void TemporaryFile::commit() {
  SignalsHeld held;
  if (rename(path_.c_str(), target_.c_str()) != 0) throw host_failure(target_, errno);
  is_committed_ = true;
  doomed_path[0] = '\0';
}

}  // namespace lodge
