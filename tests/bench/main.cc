// ub: runs the rows.
//
//   ub [--tree DIR] [--data FILE] [--seconds S] [ROW...]   measures and prints `row best_ns median_ns`
//   ub --serve                                             the same for each row name that comes on stdin
//   ub --list
//   ub --true                                              exits with 0: what the rows that exec run
//
// In --serve mode the number of operations, once found, is kept, so that a runner can alternate between two
// of these and spend its time on measuring.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "bench.h"

namespace bench {

Env env;
char buffer[kBufferSize];

namespace {

constexpr int kRepetitions = 5;

Row* first_row = nullptr;
Row** last_link = &first_row;

struct Options {
  std::string tree;
  std::string data;
  double seconds = 0.3;
  bool serve = false;
  bool list = false;
  std::vector<std::string> rows;
};

// What a child reports to the parent that keeps the counts.
struct Result {
  uint64_t n;
  double best_ns;
  double median_ns;
};

uint64_t measure(const Row& row, uint64_t n) {
  Loop loop;
  loop.n = n;
  uint64_t begin = now_ns();
  row.body(loop);
  uint64_t end = now_ns();
  return loop.measured_ns != 0 ? loop.measured_ns : end - begin;
}

// The number of operations that take a repetition's time.
uint64_t calibrate(const Row& row, double repetition_ns) {
  for (uint64_t n = 1;; n *= 4) {
    double ns = static_cast<double>(measure(row, n));
    if (ns > repetition_ns / 4 || n > (1ull << 40)) {
      return std::max<uint64_t>(1, static_cast<uint64_t>(repetition_ns / (ns / n)));
    }
  }
}

void pin_to_one_cpu() {
  cpu_set_t all, one;
  need(sched_getaffinity(0, sizeof all, &all) == 0, "sched_getaffinity");
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &all)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  need(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

Result run_in_child(const Row& row, uint64_t n, double seconds) {
  if (row.place == Place::kOneCpu) pin_to_one_cpu();
  double repetition_ns = seconds * 1e9 / kRepetitions;
  if (n == 0) n = calibrate(row, repetition_ns);
  double values[kRepetitions];
  for (double& value : values) value = static_cast<double>(measure(row, n)) / n;
  std::sort(values, values + kRepetitions);
  return {n, values[0], values[kRepetitions / 2]};
}

// Prints the row's line; false when it failed.
bool run_row(const Row& row, uint64_t& n, double seconds) {
  int pipes[2];
  need(pipe(pipes) == 0, "pipe");
  fflush(nullptr);
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    close(pipes[0]);
    Result result = run_in_child(row, n, seconds);
    need(write(pipes[1], &result, sizeof result) == sizeof result, "report");
    _exit(0);
  }
  close(pipes[1]);
  Result result = {};
  bool reported = read(pipes[0], &result, sizeof result) == sizeof result;
  close(pipes[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!reported || status != 0) {
    printf("%s FAILED %#x\n", row.name, status);
    return false;
  }
  n = result.n;
  printf("%s %.1f %.1f\n", row.name, result.best_ns, result.median_ns);
  return true;
}

Row* find(const std::string& name) {
  for (Row* row = first_row; row != nullptr; row = row->next) {
    if (name == row->name) return row;
  }
  return nullptr;
}

int serve(const Options& options) {
  std::map<std::string, uint64_t> counts;
  char line[200];
  while (fgets(line, sizeof line, stdin) != nullptr) {
    std::string name = line;
    name.erase(name.find_last_not_of('\n') + 1);
    Row* row = find(name);
    if (row == nullptr) {
      printf("%s FAILED unknown\n", name.c_str());
    } else {
      run_row(*row, counts[name], options.seconds);
    }
    fflush(stdout);
  }
  return 0;
}

void set_up(const Options& options) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  need(n > 0, "/proc/self/exe");
  env.self.assign(path, n);
  char work[] = "/dev/shm/ub-XXXXXX";
  need(mkdtemp(work) != nullptr, work);
  env.work = work;
  env.null = open("/dev/null", O_RDWR);
  env.zero = open("/dev/zero", O_RDONLY);
  need(env.null >= 0 && env.zero >= 0, "devices");
  std::string folder = env.self.substr(0, env.self.rfind('/'));
  env.data_path = options.data.empty() ? folder + "/bench-data" : options.data;
  env.data = open(env.data_path.c_str(), O_RDONLY);
  need(env.data >= 0 && pread(env.data, buffer, kBufferSize, 0) == kBufferSize, env.data_path.c_str());
  std::string tree = options.tree.empty() ? folder + "/bench-tree" : options.tree;
  need(chdir(tree.c_str()) == 0, tree.c_str());
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    bool has_value = i + 1 < argc;
    if (arg == "--tree" && has_value) {
      options.tree = argv[++i];
    } else if (arg == "--data" && has_value) {
      options.data = argv[++i];
    } else if (arg == "--seconds" && has_value) {
      options.seconds = atof(argv[++i]);
    } else if (arg == "--serve") {
      options.serve = true;
    } else if (arg == "--list") {
      options.list = true;
    } else if (arg[0] == '-') {
      fprintf(stderr, "usage: ub [--tree DIR] [--data FILE] [--seconds S] [--serve | --list | ROW...]\n");
      return false;
    } else {
      options.rows.push_back(arg);
    }
  }
  return options.seconds > 0;
}

int run_all(const Options& options) {
  bool all_done = true;
  for (const std::string& name : options.rows) {
    if (find(name) == nullptr) {
      fprintf(stderr, "ub: no row %s\n", name.c_str());
      all_done = false;
    }
  }
  for (Row* row = first_row; row != nullptr; row = row->next) {
    bool wanted = options.rows.empty() ||
                  std::find(options.rows.begin(), options.rows.end(), row->name) != options.rows.end();
    uint64_t n = 0;
    if (wanted) all_done &= run_row(*row, n, options.seconds);
  }
  return all_done ? 0 : 1;
}

}  // namespace

Row::Row(const char* name, Body body, Place place) : name(name), body(body), place(place) {
  *last_link = this;
  last_link = &next;
}

void Loop::start() {
  started_ns = now_ns();
}

void Loop::stop() {
  measured_ns += now_ns() - started_ns;
}

uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000ull + t.tv_nsec;
}

void die(const char* what) {
  fprintf(stderr, "ub: %s: %s\n", what, strerror(errno));
  _exit(3);
}

}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  if (argc == 2 && strcmp(argv[1], "--true") == 0) return 0;
  Options options;
  if (!parse(argc, argv, options)) return 2;
  if (options.list) {
    for (Row* row = first_row; row != nullptr; row = row->next) puts(row->name);
    return 0;
  }
  set_up(options);
  int code = options.serve ? serve(options) : run_all(options);
  if (rmdir(env.work.c_str()) != 0) perror(env.work.c_str());
  return code;
}
