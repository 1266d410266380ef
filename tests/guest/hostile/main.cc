// hostile SUITE [--from K] [--only N] [--site ADDRESS] [--file PATH] [--pid PID] [--port PORT]:
// runs the attempts from K on, or N of them.
// hostile --list SUITE: their names. hostile --selfcheck: that finding, calling and reporting work; the only
// thing that may be run natively.
//
// Before an attempt `attempt K NAME` is printed, and after the last `end`: whoever runs this sees which one
// ended the VPS, and goes on behind it.
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "hostile/hostile.h"

namespace hostile {

Targets targets;

namespace {

const std::map<std::string, Suite (*)()>& suites() {
  static const std::map<std::string, Suite (*)()> all = {
      {"numbers", numbers_suite}, {"memory", memory_suite},       {"files", files_suite},
      {"tasks", tasks_suite},     {"registers", registers_suite}, {"garbage", garbage_suite}};
  return all;
}

void print_line(const char* head, const char* format, va_list args) {
  char text[400];
  int n = snprintf(text, sizeof text, "%s", head);
  n += vsnprintf(text + n, sizeof text - n - 1, format, args);
  n = std::min<int>(n, sizeof text - 2);
  text[n++] = '\n';
  [[maybe_unused]] ssize_t done = write(STDOUT_FILENO, text, n);
}

// The outcome as a word: how the child ended.
std::string run_attempt(const Attempt& attempt) {
  pid_t child = fork();
  if (child < 0) return std::string("no fork: ") + strerror(errno);
  if (child == 0) {
    attempt.body();
    _exit(0);
  }
  for (int i = 0; i < attempt.seconds * 200; i++) {
    int status;
    if (waitpid(child, &status, WNOHANG) == child) {
      if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
      return "exited with " + std::to_string(WEXITSTATUS(status));
    }
    timespec pause = {0, 5'000'000};
    nanosleep(&pause, nullptr);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return "hung";
}

int run_suite(const Suite& suite, size_t from, size_t count) {
  for (size_t i = from; i < suite.size() && i - from < count; i++) {
    printf("attempt %zu %s\n", i, suite[i].name.c_str());
    fflush(stdout);
    std::string outcome = run_attempt(suite[i]);
    printf("  %s\n", outcome.c_str());
    if (outcome == "hung" && !suite[i].may_wait) printf("VIOLATION a call that should be refused waits\n");
    fflush(stdout);
  }
  puts("end");
  return 0;
}

asm(".globl hostile_own_site\nhostile_own_site:\n\tsyscall\n\tjmp *%rbx\n");
extern "C" const char hostile_own_site[];

void expect(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "selfcheck: %s\n", what);
  exit(1);
}

int selfcheck() {
  uint64_t site = address_of(hostile_own_site);
  expect(find_syscall(site) == site, "does not find its own site");
  expect(!readable(8) && readable(site), "cannot tell what is readable");
  syscall_site = site;
  expect(host_call(SYS_getpid) == getpid(), "does not come back from a call");
  expect(host_call(SYS_close, ~0ul) == -EBADF, "does not pass arguments");
  expect(run_attempt({"", [] { raise(SIGSYS); }}) == "killed by signal 31", "does not see a kill");
  expect(run_attempt({"", [] { _exit(3); }}) == "exited with 3", "does not see an exit");
  expect(run_attempt({"",
                      [] {
                        for (;;) pause();
                      }}) == "hung",
         "does not see a hang");
  for (const auto& [name, make] : suites()) {
    Suite suite = make();
    std::set<std::string> names;
    for (const Attempt& attempt : suite) names.insert(attempt.name);
    expect(!suite.empty() && names.size() == suite.size(), "a suite is empty or names two attempts alike");
    printf("%s: %zu attempts\n", name.c_str(), suite.size());
  }
  puts("ok");
  return 0;
}

struct Options {
  std::string suite;
  size_t from = 0;
  size_t only = SIZE_MAX;
  bool list = false;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg == "--list") {
      options.list = true;
    } else if (arg[0] != '-') {
      options.suite = arg;
    } else if (i + 1 == argc) {
      return false;
    } else if (const char* value = argv[++i]; arg == "--from") {
      options.from = strtoul(value, nullptr, 0);
    } else if (arg == "--only") {
      options.only = strtoul(value, nullptr, 0);
    } else if (arg == "--site") {
      syscall_site = strtoull(value, nullptr, 0);
    } else if (arg == "--file") {
      targets.file = value;
      targets.directory = targets.file.substr(0, targets.file.rfind('/'));
    } else if (arg == "--pid") {
      targets.pid = atoi(value);
    } else if (arg == "--port") {
      targets.port = atoi(value);
    } else {
      return false;
    }
  }
  return suites().contains(options.suite);
}

}  // namespace

void report(const char* format, ...) {
  va_list args;
  va_start(args, format);
  print_line("  ", format, args);
  va_end(args);
}

void violation(const char* format, ...) {
  va_list args;
  va_start(args, format);
  print_line("VIOLATION ", format, args);
  va_end(args);
}

void must_fail(long result) {
  if (result < 0 && result > -4096) {
    report("refused: %s", strerrorname_np(static_cast<int>(-result)));
  } else {
    violation("returned %#lx", result);
  }
}

}  // namespace hostile

int main(int argc, char** argv) {
  using namespace hostile;
  if (argc == 2 && strcmp(argv[1], "--selfcheck") == 0) return selfcheck();
  Options options;
  if (!parse(argc, argv, options)) {
    fprintf(stderr,
            "usage: hostile SUITE [--list] [--from K] [--only N] [--site ADDRESS] [--file PATH] [--pid PID] "
            "[--port PORT]\n"
            "       hostile --selfcheck\n");
    return 2;
  }
  Suite suite = suites().at(options.suite)();
  if (options.list) {
    for (const Attempt& attempt : suite) puts(attempt.name.c_str());
    return 0;
  }
  if (syscall_site == 0) syscall_site = find_syscall(kKernelText);
  if (syscall_site == 0) {
    // Also what keeps this from doing anything natively.
    fprintf(stderr, "hostile: no kernel at %#lx: not inside a VPS\n", kKernelText);
    return 3;
  }
  printf("site %#lx\n", syscall_site);
  return run_suite(suite, options.from, options.only);
}
