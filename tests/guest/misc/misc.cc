// What fits nowhere else: uname, sysinfo, getrandom, membarrier, personality, hostname, unknown calls,
// auxiliary vector.
#include <linux/membarrier.h>
#include <linux/random.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <set>

#include "harness/util.h"

using namespace guest;

TEST(uname_fields) {
  utsname name = {};
  OK(uname, &name);
  CHECK_EQ(std::string(name.sysname), std::string("Linux"));
  CHECK_EQ(std::string(name.machine), std::string("x86_64"));
  CHECK(strlen(name.release) > 0 && strlen(name.version) > 0);
  int major = 0;
  for (const char* p = name.release; *p >= '0' && *p <= '9'; p++) major = major * 10 + *p - '0';
  // Static programs of today's distributions refuse to start on less than 3.2.
  CHECK(major >= 4);
  CHECK_EQ(read_file("/proc/sys/kernel/osrelease"), std::string(name.release) + "\n");
  CHECK_EQ(read_file("/proc/sys/kernel/hostname"), std::string(name.nodename) + "\n");
  FAILS(EFAULT, uname, kBadPointer);
}

TEST(hostname_needs_privilege) {
  as_nobody([] {
    FAILS(EPERM, sethostname, "x", 1);
    FAILS(EPERM, setdomainname, "x", 1);
  });
}

TEST(hostname_set) {
  need_root();
  int status = in_child([] {
    // In a namespace of its own where there are such: it is the machine's otherwise.
    if (unshare(CLONE_NEWUTS) != 0) REQUIRE(errno == ENOSYS || errno == EINVAL);
    utsname before, after;
    OK(uname, &before);
    OK(sethostname, "guest-test", 10);
    OK(uname, &after);
    CHECK_EQ(std::string(after.nodename), std::string("guest-test"));
    FAILS(EINVAL, sethostname, "x", 65);
    FAILS(EINVAL, sethostname, "x", -1);
    FAILS(EFAULT, sethostname, kBadPointer, 5);
    OK(setdomainname, "domain", 6);
    OK(sethostname, before.nodename, strlen(before.nodename));
    OK(setdomainname, before.domainname, strlen(before.domainname));
  });
  CHECK_EQ(status, 0);
}

TEST(sysinfo_fields) {
  struct sysinfo info = {};
  OK(sysinfo, &info);
  CHECK(info.uptime > 0);
  CHECK(info.totalram > 0 && info.freeram <= info.totalram);
  CHECK(info.procs >= 1);
  CHECK(info.mem_unit >= 1);
  CHECK(info.freeswap <= info.totalswap);
  FAILS(EFAULT, sysinfo, kBadPointer);
  // The same as /proc/meminfo says.
  std::string meminfo = read_file("/proc/meminfo");
  long total_kb = atol(meminfo.c_str() + meminfo.find("MemTotal:") + 9);
  CHECK_EQ(total_kb, static_cast<long>(info.totalram * info.mem_unit / 1024));
}

TEST(getrandom_fills) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; i++) {
    std::string data(16, 0);
    CHECK_EQ(OK(getrandom, data.data(), 16, 0), 16);
    seen.insert(data);
  }
  CHECK_EQ(seen.size(), 100u);
  std::string big(100'000, 0);
  CHECK_EQ(OK(getrandom, big.data(), big.size(), 0), 100'000);
  int counts[256] = {};
  for (unsigned char c : big) counts[c]++;
  for (int count : counts) CHECK(count > 200 && count < 600);
  char c;
  OK(getrandom, &c, 1, GRND_NONBLOCK);
  OK(getrandom, &c, 1, GRND_RANDOM);
  OK(getrandom, &c, 1, GRND_INSECURE);
  CHECK_EQ(OK(getrandom, &c, 0, 0), 0);
  FAILS(EINVAL, getrandom, &c, 1, 0x100);
  FAILS(EINVAL, getrandom, &c, 1, GRND_RANDOM | GRND_INSECURE);
  FAILS(EFAULT, getrandom, kBadPointer, 16, 0);
}

TEST(random_differs_after_fork) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  uint64_t own, childs;
  in_child([&] {
    uint64_t value;
    OK(getrandom, &value, 8, 0);
    REQUIRE(write(pipes[1], &value, 8) == 8);
  });
  OK(getrandom, &own, 8, 0);
  REQUIRE(read(pipes[0], &childs, 8) == 8);
  CHECK(own != childs);
}

TEST(membarrier_commands) {
  long commands = OK(membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  CHECK(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  FAILS(EPERM, membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  OK(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  OK(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  FAILS(EINVAL, membarrier, 1 << 30, 0, 0);
  FAILS(EINVAL, membarrier, MEMBARRIER_CMD_QUERY, 4, 0);
}

TEST(personality_query) {
  CHECK_EQ(OK(personality, 0xffffffff), PER_LINUX);
  OK(personality, ADDR_NO_RANDOMIZE);
  CHECK_EQ(OK(personality, 0xffffffff), ADDR_NO_RANDOMIZE);
  OK(personality, PER_LINUX);
}

TEST(unknown_calls) {
  errno = 0;
  CHECK_EQ(call<1000>(), -1);
  CHECK_EQ(errno, ENOSYS);
  errno = 0;
  CHECK_EQ(call<100'000>(1, 2, 3), -1);
  CHECK_EQ(errno, ENOSYS);
  // Numbers between the tables, and calls that went long ago.
  CHECK_EQ(call<400>(), -1);
  CHECK_EQ(errno, ENOSYS);
  FAILS(ENOSYS, uselib, "x");
  FAILS(ENOSYS, getpmsg, 0, 0, 0, 0, 0);
}

TEST(auxiliary_vector) {
  CHECK_EQ(getauxval(AT_PAGESZ), 4096u);
  CHECK_EQ(getauxval(AT_CLKTCK), 100u);
  CHECK_EQ(getauxval(AT_UID), getuid());
  CHECK_EQ(getauxval(AT_EUID), geteuid());
  CHECK_EQ(getauxval(AT_SECURE), 0u);
  CHECK(getauxval(AT_RANDOM) != 0);
  CHECK(getauxval(AT_PHNUM) > 0 && getauxval(AT_PHDR) != 0);
  CHECK_EQ(getauxval(AT_PHENT), 56u);
  CHECK_EQ(std::string(reinterpret_cast<char*>(getauxval(AT_PLATFORM))), std::string("x86_64"));
  CHECK(getauxval(AT_EXECFN) != 0);
  CHECK_EQ(read_file("/proc/self/auxv").size() % 16, 0u);
}

TEST(privileged_calls_are_refused) {
  as_nobody([] {
    FAILS(EPERM, reboot, 0xfee1dead, 672274793, 0x4321fedc, nullptr);
    FAILS(EPERM, swapon, "/none", 0);
    FAILS(EPERM, swapoff, "/none");
    FAILS(EPERM, acct, nullptr);
    FAILS(EPERM, vhangup);
  });
}

TEST(memory_policy) {
  int mode = -1;
  unsigned long nodes = 0;
  long result = SYS(get_mempolicy, &mode, nullptr, 0, nullptr, 0);
  if (result == -1 && errno == ENOSYS) skip("no NUMA");
  CHECK_EQ(mode, 0);
  OK(set_mempolicy, 0, nullptr, 0);
  FAILS(EINVAL, set_mempolicy, 99, nullptr, 0);
  FAILS(EINVAL, set_mempolicy, 2 /* MPOL_BIND */, &nodes, 8);
  FAILS(EINVAL, get_mempolicy, &mode, nullptr, 0, nullptr, 0x100);
  FAILS(EFAULT, get_mempolicy, kBadPointer, nullptr, 0, nullptr, 0);
}

TEST(io_priority) {
  constexpr int kProcess = 1;
  OK(ioprio_get, kProcess, 0);
  constexpr int kBestEffort4 = 2 << 13 | 4;
  OK(ioprio_set, kProcess, 0, kBestEffort4);
  CHECK_EQ(OK(ioprio_get, kProcess, 0), kBestEffort4);
  FAILS(EINVAL, ioprio_set, kProcess, 0, 5 << 13);
  FAILS(EINVAL, ioprio_set, 9, 0, kBestEffort4);
  FAILS(EINVAL, ioprio_get, 9, 0);
  FAILS(ESRCH, ioprio_get, kProcess, 0x3ffffff);
  as_nobody([] { FAILS(EPERM, ioprio_set, kProcess, 0, 1 << 13); });
}

TEST(kernel_log) {
  as_nobody([] {
    char text[16];
    FAILS(EPERM, syslog, 5 /* clear */, text, 0);
    FAILS(EPERM, syslog, 2 /* read */, text, sizeof text);
  });
  if (!is_root()) return;
  char text[100];
  CHECK(OK(syslog, 3 /* read all */, text, sizeof text) <= 100);
  CHECK(OK(syslog, 10 /* size */, nullptr, 0) > 0);
  FAILS(EINVAL, syslog, 99, nullptr, 0);
  FAILS(EINVAL, syslog, 3, nullptr, 10);
}

TEST(kernel_log_keeps_what_is_written) {
  need_root();
  int kmsg = open("/dev/kmsg", O_WRONLY);
  if (kmsg < 0) skip("no /dev/kmsg");
  std::string mark = "guest test " + std::to_string(getpid());
  std::string line = mark + "\n";
  REQUIRE(write(kmsg, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  static char text[1 << 20];
  long n = SYS(syslog, 3 /* read all */, text, sizeof text);
  if (n < 0) skip("the log is not ours to read here");
  std::string all(text, static_cast<size_t>(n));
  CHECK(all.find("] " + mark + "\n") != std::string::npos);
  CHECK_EQ(all[0], '<');
  // A buffer of a few bytes too few has the newest lines, and whole ones.
  n = OK(syslog, 3, text, static_cast<int>(mark.size()) + 40);
  CHECK(n > 0 && text[n - 1] == '\n');
  CHECK(std::string(text, static_cast<size_t>(n)).find(mark) != std::string::npos);
}

TEST(restart_syscall_without_anything_to_restart) {
  FAILS(EINTR, restart_syscall);
}
