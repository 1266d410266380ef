// storm: threads and processes that mix everything under signals, with every register checked after every
// call.
//
//   storm [--seed N] [--seconds S] [--processes P] [--threads T] [--dir DIR] [--hang SECONDS]
//         [--sabotage registers|wakeup]
//
// The seed decides which operations each thread does with which values, and is printed; what the scheduler
// makes of them it cannot decide. Ends with `ok` and what was done, or with the reason and 1. A thread that
// stands still for 30 s (--hang) is a hang, and named with what it was doing. --sabotage breaks what the
// storm looks for, so that a test can see that it would be found.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "storm/storm.h"

namespace storm {
namespace {

time_t seconds_now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (arg == "--seed") {
      options.seed = strtoull(value, nullptr, 0);
    } else if (arg == "--seconds") {
      options.seconds = atoi(value);
    } else if (arg == "--processes") {
      options.processes = atoi(value);
    } else if (arg == "--threads") {
      options.threads = atoi(value);
    } else if (arg == "--dir") {
      options.dir = value;
    } else if (arg == "--hang") {
      options.hang_seconds = atoi(value);
    } else if (arg == "--sabotage" && strcmp(value, "registers") == 0) {
      options.sabotage = Sabotage::kRegisters;
    } else if (arg == "--sabotage" && strcmp(value, "wakeup") == 0) {
      options.sabotage = Sabotage::kWakeup;
    } else {
      return false;
    }
  }
  return options.seconds > 0 && options.processes > 0 && options.processes <= kMaxProcesses &&
         options.threads > 0 && options.threads <= kMaxThreads;
}

// Finds threads that have not moved between two looks.
class Watch {
 public:
  Watch(const Options& options, Shared& shared) : options_(options), shared_(shared), last_(), since_() {
    for (auto& process : since_) std::fill(std::begin(process), std::end(process), seconds_now());
  }

  bool all_move() {
    bool moving = true;
    for (int p = 0; p < options_.processes; p++) {
      for (int t = 0; t < options_.threads; t++) {
        Progress& slot = shared_.slots[p][t];
        const char* doing = slot.doing;
        bool done = doing != nullptr && strcmp(doing, "done") == 0;
        if (slot.operations != last_[p][t] || done) {
          last_[p][t] = slot.operations;
          since_[p][t] = seconds_now();
        } else if (seconds_now() - since_[p][t] > options_.hang_seconds) {
          fprintf(stderr,
                  "storm: process %d, thread %d has hung in `%s` after %lu operations and %lu signals\n", p,
                  t, doing == nullptr ? "nothing yet" : doing, slot.operations.load(), slot.signals.load());
          moving = false;
        }
      }
    }
    return moving;
  }

 private:
  const Options& options_;
  Shared& shared_;
  uint64_t last_[kMaxProcesses][kMaxThreads];
  time_t since_[kMaxProcesses][kMaxThreads];
};

// True when all processes ended well.
bool supervise(const Options& options, Shared& shared, std::vector<pid_t> processes) {
  Watch watch(options, shared);
  time_t end = seconds_now() + options.seconds;
  bool good = true;
  while (!processes.empty()) {
    if (seconds_now() >= end || !good) shared.stop = true;
    int status = 0;
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended > 0) {
      processes.erase(std::find(processes.begin(), processes.end(), ended));
      if (status != 0) {
        fprintf(stderr, "storm: process %d ended with %#x\n", ended, status);
        good = false;
      } else if (!shared.stop) {
        fprintf(stderr, "storm: process %d ended too early\n", ended);
        good = false;
      }
      continue;
    }
    if (!watch.all_move()) {
      for (pid_t pid : processes) kill(pid, SIGKILL);
      return false;
    }
    timespec pause = {0, 50'000'000};
    nanosleep(&pause, nullptr);
  }
  return good;
}

int run(Options& options) {
  if (options.seed == 0 && getrandom(&options.seed, 4, 0) != 4) options.seed = time(nullptr);
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  std::string scratch = options.dir + "/storm-XXXXXX";
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (n <= 0 || mkdtemp(scratch.data()) == nullptr || memory == MAP_FAILED) {
    perror("storm");
    return 1;
  }
  options.self.assign(self, n);
  options.dir = scratch;
  auto* shared = new (memory) Shared();
  printf("storm: seed %lu, %d s, %d processes of %d threads, %s\n", options.seed, options.seconds,
         options.processes, options.threads, storm_has_avx ? "AVX" : "SSE");
  fflush(stdout);

  std::vector<pid_t> processes;
  for (int i = 0; i < options.processes; i++) {
    pid_t child = fork();
    if (child < 0) {
      perror("storm: fork");
      return 1;
    }
    if (child == 0) run_process(options, *shared, i);
    processes.push_back(child);
  }
  bool good = supervise(options, *shared, processes);
  uint64_t operations = 0, signals = 0;
  for (auto& process : shared->slots) {
    for (auto& slot : process) {
      operations += slot.operations;
      signals += slot.signals;
    }
  }
  // A good run has unlinked all that it made.
  if (good && rmdir(scratch.c_str()) != 0) {
    fprintf(stderr, "storm: %s: %s\n", scratch.c_str(), strerror(errno));
    good = false;
  }
  if (!good) std::filesystem::remove_all(scratch);
  printf("%s: %lu operations, %lu signals, seed %lu\n", good ? "ok" : "FAILED", operations, signals,
         options.seed);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace storm

int main(int argc, char** argv) {
  using namespace storm;
  storm_has_avx = __builtin_cpu_supports("avx") != 0;
  if (argc == 3 && strcmp(argv[1], "--exec-child") == 0) return exec_child(strtoull(argv[2], nullptr, 0));
  Options options;
  if (!parse(argc, argv, options)) {
    fprintf(stderr,
            "usage: storm [--seed N] [--seconds S] [--processes P] [--threads T] [--dir DIR] "
            "[--hang SECONDS] [--sabotage registers|wakeup]\n");
    return 2;
  }
  return run(options);
}
