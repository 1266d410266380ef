// The syscalls that the storm makes through checked sites; read by the assembler too.
#pragma once

// clang-format off
#define STORM_SITES(X) \
  X(getpid) X(gettid) X(getppid) X(uname) X(sched_yield) X(nanosleep) X(clock_gettime) X(futex) \
  X(mmap) X(munmap) X(mprotect) X(madvise) X(mremap) X(brk) \
  X(pipe2) X(read) X(write) X(close) X(dup) X(fcntl) X(poll) \
  X(openat) X(unlinkat) X(renameat2) X(pread64) X(pwrite64) X(ftruncate) X(fstat) X(newfstatat) \
  X(rt_sigprocmask) X(tgkill) X(fork) X(execve) X(wait4)
// clang-format on
