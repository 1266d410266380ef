// For the tests of the outer wall: a configuration as the zygote would give it, the program built from it,
// and calls to put before it.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <sstream>
#include <string>

#include "kernel/host/wall/filter_build.h"
#include "tests/unit/wall_bpf.h"
#include "tests/unit/wall_spec.h"

namespace lodge::test {

constexpr int kPageFd = 3, kBaseFd = 4, kDeltaFd = 5;
constexpr uint64_t kPageEnd = 0x1'4000'0000;    // low and high word both count
constexpr uint64_t kBaseEnd = 0x8000'0000;      // high word zero
constexpr uint64_t kDeltaEnd = 0x10'0000'0000;  // low word zero
constexpr uint64_t kSyscallIp = 0x7800'0000'1234;

inline WallConfig wall_config() {
  WallConfig c;
  c.syscall_ip = kSyscallIp;
  c.kernel_begin = 0x7800'0000'0000;
  c.kernel_end = 0x7800'0010'0000;
  c.files[0] = {kBaseFd, WallAccess::kReadOnly, kBaseEnd};
  c.files[1] = {kPageFd, WallAccess::kReadWrite, kPageEnd};
  c.files[2] = {kDeltaFd, WallAccess::kReadWrite, kDeltaEnd};
  c.file_count = 3;
  return c;
}

// As many files as there may be, far apart from each other in the program, and all calls.
inline WallConfig wall_config_full() {
  WallConfig c = wall_config();
  for (uint32_t i = c.file_count; i < kMaxWallFiles; i++) {
    c.files[i] = {static_cast<int>(1000 + i), i % 2 ? WallAccess::kReadWrite : WallAccess::kReadOnly,
                  kPageEnd + i * 0x1'0000'1000};
  }
  c.file_count = kMaxWallFiles;
  c.sets_bases = true;
  c.reads_clocks = true;
  return c;
}

class WallProgram {
 public:
  explicit WallProgram(const WallConfig& config) : length_(build_wall_filter(config, space_)) {}
  int length() const { return length_; }
  std::span<sock_filter> code() { return std::span(space_).first(length_ > 0 ? length_ : 0); }
  uint32_t verdict(const seccomp_data& data, BpfTrace* trace = nullptr) const {
    return bpf_run(std::span(space_).first(length_), data, trace);
  }

 private:
  std::array<sock_filter, kWallFilterMax> space_ = {};
  int length_;
};

// A call from the kernel's own instruction.
inline seccomp_data wall_call(int nr, std::initializer_list<uint64_t> args, uint64_t ip = kSyscallIp) {
  seccomp_data d = {};
  d.nr = nr;
  d.arch = 0xc000003e;
  d.instruction_pointer = ip;
  size_t i = 0;
  for (uint64_t a : args) d.args[i++] = a;
  return d;
}

// The call in a form that can be put back into a test.
inline std::string describe(const seccomp_data& d) {
  std::ostringstream out;
  out << "nr " << d.nr << std::hex << " arch 0x" << d.arch << " ip 0x" << d.instruction_pointer << " args";
  for (uint64_t a : d.args) out << " 0x" << a;
  return out.str();
}

}  // namespace lodge::test
