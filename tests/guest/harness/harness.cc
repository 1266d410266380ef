// Runs the cases of one guest test program.
//
// It leans on fork, wait4, nanosleep, a shared anonymous mapping and plain file calls only: a bug in anything
// finer then fails the cases of that call and not every program. Reference for the exit code: 0 all passed, 1
// some failed, 2 wrong arguments.
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <vector>

namespace guest {
namespace {

constexpr int kExitSkipped = 77;
constexpr size_t kMaxCovered = 16384;

// Literals have one address in all processes of the program, so the name is kept as a pointer.
struct Covered {
  const char* syscall;
  int error;
};

// Written by every process of a case; the counters are the only synchronisation.
struct Shared {
  std::atomic<int> failures;
  std::atomic<size_t> covered_count;
  char skip_reason[200];
  Covered covered[kMaxCovered];
};

struct Options {
  bool list = false;
  bool coverage = false;
  bool verbose = false;
  std::string dir = "/tmp";
  std::vector<std::string> filters;
  // Cases that are known to fail, and why.
  std::map<std::string, std::string> known;
};

Case* first_case = nullptr;
Case** last_link = &first_case;
Shared* shared = nullptr;
const char* running = "";

int64_t monotonic_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

// Removes a tree that a case may have left with odd modes or mounts in it; what stays is reported. Where
// there are mount namespaces a case's mounts went with it, and umount2 finds nothing.
void remove_tree(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return;
  while (umount2(path.c_str(), MNT_DETACH) == 0) {
  }
  chmod(path.c_str(), 0700);
  if (DIR* dir = opendir(path.c_str()); dir != nullptr) {
    while (dirent* entry = readdir(dir)) {
      std::string_view leaf = entry->d_name;
      if (leaf != "." && leaf != "..") remove_tree(path + "/" + entry->d_name);
    }
    closedir(dir);
  }
  if (rmdir(path.c_str()) != 0 && errno != ENOENT)
    printf("left behind: %s: %s\n", path.c_str(), strerror(errno));
}

[[noreturn]] void run_child(const Case& one, const std::string& scratch) {
  setpgid(0, 0);
  umask(022);
  if (chdir(scratch.c_str()) != 0) {
    fail(GUEST_HERE, "chdir %s: %s", scratch.c_str(), strerror(errno));
    _exit(1);
  }
  one.body();
  _exit(0);
}

// The wait status, or -1 when the time limit passed. What the case left running is killed either way.
int wait_with_limit(pid_t child, int limit_s) {
  int status = -1;
  int64_t deadline = monotonic_ms() + limit_s * 1000;
  timespec pause = {0, 50'000};
  for (;;) {
    pid_t got = waitpid(child, &status, WNOHANG);
    if (got == child) break;
    if (monotonic_ms() > deadline) {
      kill(-child, SIGKILL);
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
      return -1;
    }
    nanosleep(&pause, nullptr);
    if (pause.tv_nsec < 2'000'000) pause.tv_nsec *= 2;
  }
  kill(-child, SIGKILL);
  return status;
}

enum class Outcome { kPassed, kFailed, kSkipped };

Outcome run_case(const Case& one, const Options& options) {
  running = one.name;
  shared->failures = 0;
  shared->skip_reason[0] = 0;
  std::string scratch = options.dir + "/guest-XXXXXX";
  if (mkdtemp(scratch.data()) == nullptr || chmod(scratch.c_str(), 0777) != 0) {
    printf("%s: no scratch directory %s: %s\n", one.name, scratch.c_str(), strerror(errno));
    return Outcome::kFailed;
  }
  fflush(nullptr);
  pid_t child = fork();
  if (child < 0) {
    printf("%s: fork: %s\n", one.name, strerror(errno));
    return Outcome::kFailed;
  }
  if (child == 0) run_child(one, scratch);
  int status = wait_with_limit(child, one.limit_s);
  remove_tree(scratch);

  if (status == -1) {
    printf("%s: not done after %d s\n", one.name, one.limit_s);
    return Outcome::kFailed;
  }
  if (WIFSIGNALED(status)) {
    printf("%s: ended by signal %d\n", one.name, WTERMSIG(status));
    return Outcome::kFailed;
  }
  if (shared->failures > 0) {
    printf("%s: %d failed checks\n", one.name, shared->failures.load());
    return Outcome::kFailed;
  }
  if (WEXITSTATUS(status) == kExitSkipped && shared->skip_reason[0] != 0) {
    printf("skipped %s: %s\n", one.name, shared->skip_reason);
    return Outcome::kSkipped;
  }
  if (WEXITSTATUS(status) != 0) {
    printf("%s: exit code %d\n", one.name, WEXITSTATUS(status));
    return Outcome::kFailed;
  }
  if (options.verbose) printf("passed %s\n", one.name);
  return Outcome::kPassed;
}

// What is known to fail shall fail: a case that passes after all has to be taken off the list.
bool counts_as_failure(const Case& one, Outcome outcome, const Options& options) {
  auto known = options.known.find(one.name);
  if (known == options.known.end() || outcome == Outcome::kSkipped) return outcome == Outcome::kFailed;
  if (outcome == Outcome::kFailed) {
    printf("known %s: %s\n", one.name, known->second.c_str());
    return false;
  }
  printf("%s: passes, though it is listed as failing\n", one.name);
  return true;
}

// Lines `CASE REASON`; # begins a comment line. A list that names no case, or gives no reason, is refused.
bool read_known(const char* path, Options& options) {
  FILE* file = fopen(path, "r");
  if (file == nullptr) {
    perror(path);
    return false;
  }
  char line[500], name[200], reason[400];
  bool good = true;
  while (fgets(line, sizeof line, file) != nullptr) {
    if (line[0] == '#' || line[0] == '\n') continue;
    bool parsed = sscanf(line, "%199s %399[^\n]", name, reason) == 2;
    bool exists = false;
    for (Case* one = first_case; parsed && one != nullptr; one = one->next)
      exists |= strcmp(one->name, name) == 0;
    if (!exists) {
      fprintf(stderr, "%s: no such case, or no reason: %s", path, line);
      good = false;
    }
    options.known[name] = reason;
  }
  fclose(file);
  return good;
}

bool wanted(const Case& one, const Options& options) {
  if (options.filters.empty()) return true;
  return std::any_of(options.filters.begin(), options.filters.end(),
                     [&](const std::string& part) { return strstr(one.name, part.c_str()) != nullptr; });
}

void print_coverage() {
  std::set<std::pair<std::string, std::string>> pairs;
  size_t count = std::min(shared->covered_count.load(), kMaxCovered);
  for (size_t i = 0; i < count; i++) {
    pairs.insert({shared->covered[i].syscall, errno_name(shared->covered[i].error)});
  }
  for (const auto& [syscall, error] : pairs) printf("covered %s %s\n", syscall.c_str(), error.c_str());
}

bool parse(int argc, char** argv, Options& options) {
  if (const char* dir = getenv("TMPDIR"); dir != nullptr && *dir != 0) options.dir = dir;
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg == "--list") {
      options.list = true;
    } else if (arg == "--coverage") {
      options.coverage = true;
    } else if (arg == "-v" || arg == "--verbose") {
      options.verbose = true;
    } else if (arg == "--known" && i + 1 < argc) {
      if (!read_known(argv[++i], options)) return false;
    } else if (arg == "--dir" && i + 1 < argc) {
      options.dir = argv[++i];
    } else if (arg.empty() || arg[0] == '-') {
      fprintf(stderr, "usage: %s [--list] [--coverage] [-v] [--dir DIR] [--known FILE] [PART-OF-A-NAME...]\n",
              argv[0]);
      return false;
    } else {
      options.filters.push_back(arg);
    }
  }
  return true;
}

}  // namespace

Case::Case(const char* name, CaseBody body, int limit_s) : name(name), body(body), limit_s(limit_s) {
  *last_link = this;
  last_link = &next;
}

void fail(Where where, const char* format, ...) {
  char text[1000];
  int n = snprintf(text, sizeof text, "%s:%d: %s: ", where.file, where.line, running);
  va_list args;
  va_start(args, format);
  n += vsnprintf(text + n, sizeof text - n, format, args);
  va_end(args);
  n = std::min<int>(n, sizeof text - 2);
  text[n++] = '\n';
  // One write, unbuffered: the process may be about to die, and several may report at once. A case may have
  // replaced or closed its stdout, so the report goes to stderr; if even that is gone, the count below still
  // fails the case.
  [[maybe_unused]] ssize_t done = write(STDERR_FILENO, text, n);
  shared->failures++;
}

void give_up() {
  _exit(1);
}

void skip(const char* reason) {
  snprintf(shared->skip_reason, sizeof shared->skip_reason, "%s", reason);
  _exit(kExitSkipped);
}

void cover(const char* syscall, int error) {
  size_t i = shared->covered_count++;
  if (i < kMaxCovered) shared->covered[i] = {syscall, error};
}

std::string errno_name(int error) {
  if (error == 0) return "ok";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

}  // namespace guest

int main(int argc, char** argv) {
  using namespace guest;
  Options options;
  if (!parse(argc, argv, options)) return 2;
  if (options.list) {
    for (Case* one = first_case; one != nullptr; one = one->next) {
      if (wanted(*one, options)) puts(one->name);
    }
    return 0;
  }
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  shared = static_cast<Shared*>(memory);

  int ran = 0, failed = 0, skipped = 0;
  for (Case* one = first_case; one != nullptr; one = one->next) {
    if (!wanted(*one, options)) continue;
    Outcome outcome = run_case(*one, options);
    ran++;
    failed += counts_as_failure(*one, outcome, options);
    skipped += outcome == Outcome::kSkipped;
  }
  if (options.coverage) print_coverage();
  if (ran == 0) {
    printf("FAILED: no case has such a name\n");
    return 1;
  }
  if (failed > 0) {
    printf("FAILED %d of %d\n", failed, ran);
    return 1;
  }
  printf("ok %d\n", ran - skipped);
  return 0;
}
