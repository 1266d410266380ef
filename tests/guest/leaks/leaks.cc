// leaks: does one thing very often and looks whether anything is left of it.
//
//   leaks [--count N] [--slabs] [--wait] [--sabotage] [KIND...]
//
// After a warm-up of everything, each kind is done N times (100,000); then descriptors, threads, resident
// memory and, with --slabs, every cache of /proc/slabinfo have to be where they were. --slabs wants a machine
// where nothing else runs. With --wait it prints `ready` and `done` around it all and waits for a line after
// each, so that somebody outside can look at the host's side. --sabotage leaks a little of each kind, to see
// that it is noticed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {

// So often that what is bounded has reached its bound: names of nothing that are remembered, process numbers.
constexpr long kWarmUp = 11'000;

struct Options {
  long count = 100'000;
  bool slabs = false;
  bool wait = false;
  bool sabotage = false;
  std::vector<std::string> kinds;
};

Options options;
std::string self;
std::string scratch;

[[noreturn]] void die(const char* what) {
  fprintf(stderr, "leaks: %s: %s\n", what, strerror(errno));
  exit(1);
}

void need(bool done, const char* what) {
  if (!done) die(what);
}

// One round in fifty leaks.
bool leak_now(long round) {
  return options.sabotage && round % 50 == 49;
}

void fork_exec(long round) {
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    execl(self.c_str(), "leaks", "--true", nullptr);
    _exit(127);
  }
  if (leak_now(round)) return;
  int status;
  need(waitpid(child, &status, 0) == child && status == 0, "waitpid");
}

void fork_exit(long) {
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) _exit(0);
  need(waitpid(child, nullptr, 0) == child, "waitpid");
}

void open_close(long round) {
  int fd = open("/proc/self/exe", O_RDONLY);
  need(fd >= 0, "open");
  if (!leak_now(round)) close(fd);
}

void create_unlink(long round) {
  std::string path = scratch + "/file-" + std::to_string(round);
  int fd = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  need(fd >= 0 && write(fd, "data", 4) == 4, "create");
  close(fd);
  if (!leak_now(round)) need(unlink(path.c_str()) == 0, "unlink");
}

void mkdir_rmdir(long round) {
  std::string path = scratch + "/dir-" + std::to_string(round);
  need(mkdir(path.c_str(), 0700) == 0, "mkdir");
  if (!leak_now(round)) need(rmdir(path.c_str()) == 0, "rmdir");
}

void map_unmap(long round) {
  constexpr size_t kSize = 3 * 4096;
  void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  need(memory != MAP_FAILED, "mmap");
  memset(memory, 1, kSize);
  if (!leak_now(round)) need(munmap(memory, kSize) == 0, "munmap");
}

void map_file(long) {
  int fd = open("/proc/self/exe", O_RDONLY);
  void* memory = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  need(memory != MAP_FAILED, "mmap");
  close(fd);
  need(munmap(memory, 4096) == 0, "munmap");
}

void pipes(long round) {
  int fds[2];
  char c = 1;
  need(pipe(fds) == 0 && write(fds[1], &c, 1) == 1, "pipe");
  close(fds[0]);
  if (!leak_now(round)) close(fds[1]);
}

void threads(long round) {
  pthread_t thread;
  auto body = [](void* arg) { return arg; };
  auto forever = [](void*) -> void* {
    for (;;) pause();
  };
  bool leak = leak_now(round);
  need(pthread_create(&thread, nullptr, leak ? +forever : +body, nullptr) == 0, "pthread_create");
  if (!leak) pthread_join(thread, nullptr);
}

struct Kind {
  const char* name;
  void (*once)(long round);
};

constexpr Kind kKinds[] = {
    {"fork_exec", fork_exec},     {"fork_exit", fork_exit},
    {"open_close", open_close},   {"create_unlink", create_unlink},
    {"mkdir_rmdir", mkdir_rmdir}, {"map_unmap", map_unmap},
    {"map_file", map_file},       {"pipe", pipes},
    {"thread", threads},
};

std::string read_all(const char* path) {
  std::string all;
  int fd = open(path, O_RDONLY);
  need(fd >= 0, path);
  char part[4096];
  for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) all.append(part, n);
  close(fd);
  return all;
}

long count_entries(const char* path) {
  DIR* dir = opendir(path);
  need(dir != nullptr, path);
  long count = 0;
  while (readdir(dir) != nullptr) count++;
  closedir(dir);
  return count;
}

long status_field(const char* name) {
  std::string status = read_all("/proc/self/status");
  size_t at = status.find(name);
  need(at != std::string::npos, name);
  return atol(status.c_str() + at + strlen(name));
}

long children() {
  // Zombies included: all have been waited for.
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? 1 : 0;
}

// Names that are remembered although nobody uses them are no leak: they are bounded, and can be forgotten.
void forget_names() {
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  need(fd >= 0 && write(fd, "2", 1) == 1, "drop_caches");
  close(fd);
}

// Objects in use per cache; the lines are `name active_objs num_objs objsize ...`.
std::map<std::string, long> slabs() {
  forget_names();
  std::map<std::string, long> active;
  std::string text = read_all("/proc/slabinfo");
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    char name[64];
    long objects;
    std::string line = text.substr(at, end - at);
    if (line[0] != '#' && sscanf(line.c_str(), "%63s %ld", name, &objects) == 2) active[name] = objects;
    at = end + 1;
  }
  need(!active.empty(), "no caches in /proc/slabinfo");
  return active;
}

struct Usage {
  long fds = count_entries("/proc/self/fd");
  long threads = status_field("Threads:");
  long resident_kb = status_field("VmRSS:");
  long files = count_entries(scratch.c_str());
  long waiting_children = children();
  std::map<std::string, long> active = options.slabs ? slabs() : std::map<std::string, long>();
};

bool same(const char* kind, const char* what, long before, long after, long slack) {
  if (after <= before + slack) return true;
  printf("%s: %s: %ld before, %ld after\n", kind, what, before, after);
  return false;
}

bool same(const char* kind, const Usage& before, const Usage& after) {
  bool good = same(kind, "descriptors", before.fds, after.fds, 0);
  good &= same(kind, "threads", before.threads, after.threads, 0);
  good &= same(kind, "resident kB", before.resident_kb, after.resident_kb, 256);
  good &= same(kind, "files", before.files, after.files, 0);
  good &= same(kind, "children", before.waiting_children, after.waiting_children, 0);
  // A cache may keep a few more than before; what leaks per round is far beyond it.
  long slack = options.count / 100 + 32;
  for (const auto& [name, active] : after.active) {
    auto old = before.active.find(name);
    good &= same(kind, name.c_str(), old == before.active.end() ? 0 : old->second, active, slack);
  }
  return good;
}

bool wanted(const Kind& kind) {
  if (options.kinds.empty()) return true;
  for (const std::string& one : options.kinds) {
    if (one == kind.name) return true;
  }
  return false;
}

void meet(const char* marker) {
  if (!options.wait) return;
  puts(marker);
  fflush(stdout);
  char line[16];
  need(fgets(line, sizeof line, stdin) != nullptr, "nobody answers");
}

void parse(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg == "--count" && i + 1 < argc) {
      options.count = atol(argv[++i]);
    } else if (arg == "--slabs") {
      options.slabs = true;
    } else if (arg == "--wait") {
      options.wait = true;
    } else if (arg == "--sabotage") {
      options.sabotage = true;
    } else if (arg[0] == '-') {
      fprintf(stderr, "usage: leaks [--count N] [--slabs] [--wait] [--sabotage] [KIND...]\n");
      exit(2);
    } else {
      options.kinds.push_back(arg);
    }
  }
  need(options.count > 0, "--count");
}

void set_up() {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  need(n > 0, "/proc/self/exe");
  self.assign(path, n);
  char directory[] = "/dev/shm/leaks-XXXXXX";
  need(mkdtemp(directory) != nullptr, directory);
  scratch = directory;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--true") == 0) return 0;
  parse(argc, argv);
  set_up();
  bool sabotage = options.sabotage;
  options.sabotage = false;
  for (const Kind& kind : kKinds) {
    for (long i = 0; i < std::min(options.count, kWarmUp); i++) kind.once(i);
  }
  options.sabotage = sabotage;
  meet("ready");
  int failed = 0, ran = 0;
  for (const Kind& kind : kKinds) {
    if (!wanted(kind)) continue;
    Usage before;
    for (long i = 0; i < options.count; i++) kind.once(i);
    Usage after;
    ran++;
    failed += !same(kind.name, before, after);
  }
  meet("done");
  if (options.sabotage) {
    std::string remove = "rm -rf " + scratch;
    need(system(remove.c_str()) == 0, "rm");
  } else {
    need(rmdir(scratch.c_str()) == 0, scratch.c_str());
  }
  if (failed > 0 || ran == 0) {
    printf("FAILED %d of %d\n", failed, ran);
    return 1;
  }
  printf("ok %d\n", ran);
  return 0;
}
