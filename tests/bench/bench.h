// The micro-benchmarks: rows, what they are given, and how they are measured.
//
// Contract: a row is a function that does `loop.n` operations; the runner chooses n so that one repetition
// takes the time it was given, and divides. A row with a set-up of its own brackets what counts by
// loop.start() and loop.stop(). Each measurement runs in a forked child, so that no row sees what another
// left behind. A row that cannot do its work calls die(): a row that fails silently would look quick.
#pragma once

#include <stdint.h>

#include <string>

namespace bench {

struct Loop {
  uint64_t n = 1;
  uint64_t started_ns = 0;
  // The sum of all that was bracketed; 0 when nothing was, and the whole body counts.
  uint64_t measured_ns = 0;

  void start();
  void stop();
};

enum class Place {
  kAnywhere,
  // All tasks of the row on one processor: what is measured is the hand-over, not the wake-up of an idle
  // core.
  kOneCpu,
};

struct Row {
  using Body = void (*)(Loop& loop);

  Row(const char* name, Body body, Place place = Place::kAnywhere);

  const char* name;
  Body body;
  Place place;
  Row* next = nullptr;
};

// What the rows work on, the same inside and outside.
struct Env {
  std::string self;       // this program, for rows that execute it
  std::string work;       // an own, empty directory on a tmpfs
  std::string data_path;  // a file of at least 1 MiB on the disk; read only
  int data = -1;
  int null = -1;
  int zero = -1;
};

extern Env env;

uint64_t now_ns();
[[noreturn]] void die(const char* what);

inline void need(bool done, const char* what) {
  if (!done) die(what);
}

// A buffer that rows may read into and write from.
constexpr unsigned kBufferSize = 1 << 20;
extern char buffer[kBufferSize];

}  // namespace bench

// The current directory is the tree: tests/bench/make-tree says what is in it.
#define BENCH_ROW_AT(row, place)                               \
  static void row_##row(::bench::Loop& loop);                  \
  static ::bench::Row register_##row(#row, &row_##row, place); \
  static void row_##row(::bench::Loop& loop)
#define BENCH_ROW(row) BENCH_ROW_AT(row, ::bench::Place::kAnywhere)
#define BENCH_ROW_ONE_CPU(row) BENCH_ROW_AT(row, ::bench::Place::kOneCpu)
