// Host descriptors: transfers outside a file's bounds, ways to pass or duplicate them, sizes. Whether an
// image has changed is seen on the host.
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hostile/hostile.h"

namespace hostile {
namespace {

constexpr int kMostFds = 64;
char data[4096];

// Far beyond the end of anything a VPS has.
constexpr uint64_t kFar = 1ull << 50;

void beyond_the_end(int fd) {
  must_fail(host_call(SYS_pwrite64, fd, address_of(data), sizeof data, kFar));
}

void vector_beyond_the_end(int fd) {
  iovec one = {data, sizeof data};
  must_fail(host_call(SYS_pwritev2, fd, address_of(&one), 1, kFar, 0, 0));
}

void allocate_beyond_the_end(int fd) {
  must_fail(host_call(SYS_fallocate, fd, 0, kFar, 1 << 20));
}

// Writes where a base image would be hurt; a file of the VPS's own may take it.
void write_everywhere(int fd) {
  memset(data, 0xee, sizeof data);
  for (uint64_t offset : {0ull, 1024ull, 4096ull, 1ull << 20}) {
    report("pwrite at %lu: %ld", offset, host_call(SYS_pwrite64, fd, address_of(data), sizeof data, offset));
  }
}

void truncate(int fd) {
  must_fail(host_call(SYS_ftruncate, fd, 0));
}

void collapse(int fd) {
  must_fail(host_call(SYS_fallocate, fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
}

void append(int fd) {
  must_fail(host_call(SYS_fcntl, fd, F_SETFL, O_APPEND));
}

void duplicate(int fd) {
  must_fail(host_call(SYS_dup, fd));
}

void by_number_in_proc(int fd) {
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  must_fail(host_call(SYS_openat, AT_FDCWD, address_of(path.c_str()), O_RDWR, 0));
}

void negative_descriptor(int fd) {
  // The host takes an int; a high word must not get past the comparison.
  must_fail(host_call(SYS_pwrite64, static_cast<uint64_t>(fd) | 1ull << 32, address_of(data), 1, 0));
}

struct Kind {
  const char* name;
  void (*body)(int fd);
};

constexpr Kind kKinds[] = {{"pwrite_beyond", beyond_the_end},
                           {"pwritev2_beyond", vector_beyond_the_end},
                           {"fallocate_beyond", allocate_beyond_the_end},
                           {"write", write_everywhere},
                           {"ftruncate", truncate},
                           {"collapse", collapse},
                           {"append", append},
                           {"dup", duplicate},
                           {"reopen", by_number_in_proc},
                           {"high_word", negative_descriptor}};

}  // namespace

Suite files_suite() {
  Suite suite;
  for (const Kind& kind : kKinds) {
    for (int fd = 0; fd < kMostFds; fd++) {
      suite.push_back({std::string(kind.name) + "_fd" + std::to_string(fd), [&kind, fd] { kind.body(fd); }});
    }
  }
  return suite;
}

}  // namespace hostile
