// Every syscall number at the kernel's own instruction, with arguments that would do harm.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <set>

#include "hostile/hostile.h"

namespace hostile {
namespace {

constexpr long kLastNumber = 512;
constexpr uint64_t kX32 = 0x40000000;

// What the wall's list lets through with some arguments; whether these forms are kept is the other suites'
// question.
bool in_the_list(long number) {
  static const std::set<long> list = {
      SYS_exit,      SYS_exit_group, SYS_sched_yield, SYS_sigaltstack, SYS_restart_syscall, SYS_futex,
      SYS_clone,     SYS_mmap,       SYS_munmap,      SYS_mincore,     SYS_mprotect,        SYS_mremap,
      SYS_madvise,   SYS_msync,      SYS_pread64,     SYS_preadv2,     SYS_pwrite64,        SYS_pwritev2,
      SYS_fdatasync, SYS_fallocate,  SYS_prctl,       SYS_membarrier};
  return list.contains(number);
}

sockaddr_in target_address() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(targets.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct Arguments {
  const char* name;
  Registers (*make)();
};

// Each set fits many calls: what takes a path first, or a directory and a path, a pid and a signal, an
// address.
constexpr Arguments kArguments[] = {
    {"zeros", [] { return Registers{}; }},
    {"path",
     [] {
       return Registers{0, address_of(targets.file.c_str()), O_RDWR | O_CREAT | O_TRUNC, 0666};
     }},
    {"at_path",
     [] {
       return Registers{0, static_cast<uint64_t>(AT_FDCWD), address_of(targets.file.c_str()),
                        O_RDWR | O_TRUNC, 0};
     }},
    {"pid",
     [] {
       return Registers{0, static_cast<uint64_t>(targets.pid), SIGKILL, 0};
     }},
    {"group",
     [] {
       return Registers{0, static_cast<uint64_t>(-targets.pid), SIGKILL, 0};
     }},
    {"socket",
     [] {
       return Registers{0, AF_INET, SOCK_STREAM, 0};
     }},
    {"high_bits",
     [] { return Registers{0, 1ull << 63, 1ull << 63, 1ull << 63, 1ull << 63, 1ull << 63, 1ull << 63}; }},
    {"ones", [] { return Registers{0, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}; }},
};

void try_number(uint64_t number, const Arguments& arguments) {
  Registers registers = arguments.make();
  registers.rax = number;
  long result = static_cast<long>(jump_to_syscall(syscall_site, registers));
  if (!in_the_list(static_cast<int>(number))) {
    must_fail(result);
  } else {
    report("in the list: %ld", result);
  }
}

void connect_to_target() {
  sockaddr_in address = target_address();
  long fd = host_call(SYS_socket, AF_INET, SOCK_STREAM, 0);
  must_fail(fd);
  // Whatever the number: it might be one that was open.
  for (uint64_t guess = 0; guess < 32; guess++)
    host_call(SYS_connect, guess, address_of(&address), sizeof address);
}

}  // namespace

Suite numbers_suite() {
  Suite suite;
  for (const Arguments& arguments : kArguments) {
    for (long number = 0; number <= kLastNumber; number++) {
      suite.push_back({"number_" + std::to_string(number) + "_" + arguments.name,
                       [number, &arguments] { try_number(number, arguments); }});
    }
  }
  for (long number = 0; number <= kLastNumber; number++) {
    suite.push_back(
        {"x32_" + std::to_string(number), [number] { try_number(number | kX32, kArguments[1]); }});
  }
  for (uint64_t number :
       {0xffffffffull, 0x80000000ull, 0x7fffffffull, 0xfffffffffffffff0ull, 0x100000027ull}) {
    suite.push_back({"odd_" + std::to_string(number), [number] { try_number(number, kArguments[0]); }});
  }
  suite.push_back({"connect", connect_to_target});
  return suite;
}

}  // namespace hostile
