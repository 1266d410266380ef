// What the parts of the storm share: the page that all its processes see, and a worker thread's state.
#pragma once

#include <stdint.h>

#include <atomic>
#include <string>

#include "storm/checked.h"

namespace storm {

constexpr int kMaxProcesses = 16;
constexpr int kMaxThreads = 16;

// One thread's progress, watched by the parent: a slot that stands still is a hang.
struct Progress {
  std::atomic<uint64_t> operations;
  std::atomic<uint64_t> signals;
  std::atomic<const char*> doing;
};

struct Shared {
  std::atomic<bool> stop;
  Progress slots[kMaxProcesses][kMaxThreads];
};

// What the storm does wrong on purpose, for the test that it would see such a kernel.
enum class Sabotage { kNone, kRegisters, kWakeup };

struct Options {
  uint64_t seed = 0;
  int hang_seconds = 30;
  Sabotage sabotage = Sabotage::kNone;
  int seconds = 10;
  int processes = 3;
  int threads = 3;
  std::string dir = "/tmp";
  std::string self;
};

// A word that an echo thread passes back.
struct Echo {
  std::atomic<int> word;
  bool loses_a_wakeup = false;
};

struct Worker {
  Worker(const Options& options, uint64_t seed, int process, int thread);

  const Options& options;
  uint64_t seed;
  int process;
  int thread;
  Checker checker;
  Echo echo;
  // A pipe to and one from a process that sends back what it is sent.
  int to_mirror = -1;
  int from_mirror = -1;
};

// One random operation, checked; ends the process when something is wrong.
void run_operation(Worker& worker, Progress& progress);
// What a program started with --exec-child does; its exit code follows from the seed.
int exec_child(uint64_t seed);
int exec_child_code(uint64_t seed);

// The life of one worker process: threads, echo threads, mirrors and timers.
[[noreturn]] void run_process(const Options& options, Shared& shared, int process);

}  // namespace storm
