// Rows: mapping and unmapping, and page faults.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "bench.h"

using namespace bench;

namespace {

constexpr size_t kPage = 4096;

char* map(size_t size, int fd = -1) {
  int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE;
  int protection = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
  void* memory = mmap(nullptr, size, protection, flags, fd, 0);
  need(memory != MAP_FAILED, "mmap");
  return static_cast<char*>(memory);
}

void touch_all(char* memory, size_t size, char value) {
  for (size_t at = 0; at < size; at += kPage) static_cast<volatile char*>(memory)[at] = value;
}

void map_touch_unmap(uint64_t n, size_t size) {
  for (; n > 0; n--) {
    char* memory = map(size);
    touch_all(memory, size, 1);
    munmap(memory, size);
  }
}

// As many pages at a time as a small VPS has room for.
constexpr uint64_t kPagesAtOnce = (64 << 20) / kPage;

// One operation is one page's first store.
void anonymous_faults(Loop& loop, int advice) {
  constexpr size_t kHuge = 2 << 20;
  for (uint64_t left = loop.n; left > 0;) {
    uint64_t pages = std::min(left, kPagesAtOnce);
    size_t size = (pages * kPage + kHuge - 1) & ~(kHuge - 1);
    char* memory = map(size);
    madvise(memory, size, advice);
    loop.start();
    touch_all(memory, pages * kPage, 1);
    loop.stop();
    munmap(memory, size);
    left -= pages;
  }
}

// The child's first store to each of these pages of its parent's; the time it took.
uint64_t cow_faults(uint64_t pages) {
  size_t size = pages * kPage;
  char* memory = map(size);
  madvise(memory, size, MADV_NOHUGEPAGE);
  touch_all(memory, size, 1);
  int pipes[2];
  need(pipe(pipes) == 0, "pipe");
  pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    Loop own;
    own.start();
    touch_all(memory, size, 2);
    own.stop();
    _exit(write(pipes[1], &own.measured_ns, 8) == 8 ? 0 : 1);
  }
  uint64_t ns;
  need(read(pipes[0], &ns, 8) == 8, "report");
  waitpid(child, nullptr, 0);
  close(pipes[0]);
  close(pipes[1]);
  munmap(memory, size);
  return ns;
}

}  // namespace

BENCH_ROW(mmap1_touch) {
  map_touch_unmap(loop.n, kPage);
}

BENCH_ROW(mmap1m_touch) {
  map_touch_unmap(loop.n, 1 << 20);
}

BENCH_ROW(mmapfile_touch) {
  for (uint64_t n = loop.n; n > 0; n--) {
    char* memory = map(kPage, env.data);
    [[maybe_unused]] char seen = *static_cast<volatile char*>(memory);
    munmap(memory, kPage);
  }
}

BENCH_ROW(mprotect_x2) {
  char* page = map(kPage);
  for (uint64_t n = loop.n; n > 0; n--) {
    *static_cast<volatile char*>(page) = 1;
    mprotect(page, kPage, PROT_READ);
    mprotect(page, kPage, PROT_READ | PROT_WRITE);
  }
  munmap(page, kPage);
}

BENCH_ROW(fault_anon) {
  anonymous_faults(loop, MADV_NOHUGEPAGE);
}

BENCH_ROW(fault_thp) {
  anonymous_faults(loop, MADV_HUGEPAGE);
}

BENCH_ROW(fault_cow) {
  for (uint64_t left = loop.n; left > 0;) {
    uint64_t pages = std::min(left, kPagesAtOnce);
    loop.measured_ns += cow_faults(pages);
    left -= pages;
  }
}
