// /proc/PID: the fields that ps, top, lsof and glibc read exist, parse, and say what the calls say.
#include <signal.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>

#include <map>
#include <set>
#include <vector>

#include "proc/text.h"

using namespace guest;

namespace {

// The fields of a stat line behind the name: index 0 is the state, field 3 of proc(5).
std::vector<std::string> stat_fields(const std::string& path) {
  std::string text = read_file(path.c_str());
  return words(text.substr(text.rfind(')') + 1));
}

std::string field(const std::vector<std::string>& fields, size_t number) {
  REQUIRE(fields.size() > number - 3);
  return fields[number - 3];
}

}  // namespace

TEST(stat_fields_of_self) {
  prctl(PR_SET_NAME, "odd ) name");
  std::string text = read_file("/proc/self/stat");
  CHECK(text.starts_with(std::to_string(getpid()) + " (odd ) name) R "));
  auto fields = stat_fields("/proc/self/stat");
  CHECK(fields.size() >= 50);
  CHECK_EQ(field(fields, 4), std::to_string(getppid()));
  CHECK_EQ(field(fields, 5), std::to_string(getpgrp()));
  CHECK_EQ(field(fields, 6), std::to_string(getsid(0)));
  CHECK_EQ(field(fields, 19), std::string("0"));  // nice
  CHECK_EQ(field(fields, 18), std::string("20"));
  CHECK_EQ(field(fields, 20), std::string("1"));  // threads
  double uptime = std::stod(read_file("/proc/uptime"));
  CHECK(number(field(fields, 22)) <=
        static_cast<long>(uptime * static_cast<double>(sysconf(_SC_CLK_TCK))));  // start
  CHECK(number(field(fields, 23)) > 100'000);                                    // size in bytes
  CHECK(number(field(fields, 24)) > 10);                                         // resident pages
  for (size_t i = 4; i <= 50; i++) CHECK(is_number(field(fields, i)));
}

TEST(stat_states) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  std::string path = "/proc/" + std::to_string(child) + "/stat";
  CHECK(eventually([&] { return stat_fields(path)[0] == "S"; }));
  kill(child, SIGSTOP);
  CHECK(eventually([&] { return stat_fields(path)[0] == "T"; }));
  kill(child, SIGKILL);
  CHECK(eventually([&] { return stat_fields(path)[0] == "Z"; }));
  wait_child(child);
  FAILS(ENOENT, open, path.c_str(), O_RDONLY);
}

TEST(stat_counts_time) {
  int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 60'000'000;
  while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
  }
  auto fields = stat_fields("/proc/self/stat");
  long ticks = number(field(fields, 14)) + number(field(fields, 15));
  CHECK(ticks >= 4 && ticks < 100);
}

TEST(status_of_self) {
  auto status = colon_table("/proc/self/status");
  CHECK_EQ(status["Pid"], std::to_string(getpid()));
  CHECK_EQ(status["Tgid"], std::to_string(getpid()));
  CHECK_EQ(status["PPid"], std::to_string(getppid()));
  CHECK_EQ(status["Threads"], std::string("1"));
  CHECK_EQ(words(status["Uid"]).size(), 4u);
  CHECK_EQ(number(words(status["Uid"])[1]), static_cast<long>(geteuid()));
  CHECK_EQ(number(words(status["Gid"])[1]), static_cast<long>(getegid()));
  CHECK(status["State"].starts_with("R (running)"));
  for (const char* name : {"VmPeak", "VmSize", "VmHWM", "VmRSS", "VmData", "VmStk", "VmExe", "VmLck"}) {
    auto value = words(status[name]);
    CHECK(value.size() == 2 && is_number(value[0]) && value[1] == "kB");
  }
  for (const char* name :
       {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd"}) {
    CHECK_EQ(status[name].size(), 16u);
  }
  for (const char* name : {"Umask", "FDSize", "NoNewPrivs", "Seccomp", "Cpus_allowed", "Cpus_allowed_list",
                           "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"}) {
    CHECK(status.contains(name));
  }
}

TEST(status_shows_signals) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  kill(getpid(), SIGUSR1);
  signal(SIGUSR2, [](int) {});
  signal(SIGHUP, SIG_IGN);
  auto status = colon_table("/proc/self/status");
  CHECK_EQ(status["SigBlk"], std::string("0000000000000200"));
  CHECK_EQ(status["ShdPnd"], std::string("0000000000000200"));
  CHECK_EQ(status["SigIgn"], std::string("0000000000000001"));
  CHECK_EQ(status["SigCgt"], std::string("0000000000000800"));
}

TEST(command_line_and_environment) {
  std::string line = read_file("/proc/self/cmdline");
  CHECK(line.find('\0') != std::string::npos && line.back() == '\0');
  char variable[] = "A=1";
  char* environment[] = {variable, nullptr};
  pid_t child = start_child([&] { execle("/bin/sleep", "sleep", "100", nullptr, environment); });
  std::string base = "/proc/" + std::to_string(child);
  CHECK(eventually(
      [&] { return read_file((base + "/cmdline").c_str()) == std::string("sleep\000100\0", 10); }));
  CHECK_EQ(read_file((base + "/environ").c_str()), std::string("A=1\0", 4));
  CHECK_EQ(read_file((base + "/comm").c_str()), std::string("sleep\n"));
  kill(child, SIGKILL);
}

TEST(links_of_self) {
  char path[4096] = {}, cwd[4096] = {};
  OK(readlink, "/proc/self", path, sizeof path - 1);
  CHECK_EQ(std::string(path), std::to_string(getpid()));
  REQUIRE(getcwd(cwd, sizeof cwd) != nullptr);
  memset(path, 0, sizeof path);
  OK(readlink, "/proc/self/cwd", path, sizeof path - 1);
  CHECK_EQ(std::string(path), std::string(cwd));
  memset(path, 0, sizeof path);
  OK(readlink, "/proc/self/root", path, sizeof path - 1);
  CHECK_EQ(std::string(path), std::string("/"));
  memset(path, 0, sizeof path);
  OK(readlink, "/proc/self/exe", path, sizeof path - 1);
  CHECK(std::string(path).ends_with("/proc"));
  memset(path, 0, sizeof path);
  OK(readlink, "/proc/thread-self", path, sizeof path - 1);
  CHECK_EQ(std::string(path), std::to_string(getpid()) + "/task/" + std::to_string(gettid()));
}

TEST(descriptors_of_self) {
  int fd = make_file("f", "abc");
  REQUIRE(lseek(fd, 2, SEEK_SET) == 2);
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  int again = OK(open, path.c_str(), O_RDONLY);
  char c;
  CHECK_EQ(OK(read, again, &c, 1), 1);
  CHECK_EQ(c, 'a');
  auto info = colon_table(("/proc/self/fdinfo/" + std::to_string(fd)).c_str());
  CHECK_EQ(info["pos"], std::string("2"));
  CHECK_EQ(info["flags"], std::string("0100002"));
  std::set<std::string> names = list_directory("/proc/self/fd");
  CHECK(names.contains("0") && names.contains(std::to_string(fd)));
  OK(unlink, "f");
  char link[4096] = {};
  OK(readlink, path.c_str(), link, sizeof link - 1);
  CHECK(std::string(link).ends_with("/f (deleted)"));
  FAILS(ENOENT, readlink, "/proc/self/fd/998", link, sizeof link);
}

TEST(descriptors_say_what_they_wait_for) {
  auto info_of = [](int fd) { return colon_table(("/proc/self/fdinfo/" + std::to_string(fd)).c_str()); };
  int event = eventfd(26, EFD_SEMAPHORE);
  auto info = info_of(event);
  CHECK_EQ(info["eventfd-count"], std::string("1a"));
  CHECK_EQ(info["eventfd-semaphore"], std::string("1"));
  int timer = timerfd_create(CLOCK_REALTIME, 0);
  itimerspec none = {}, due = {{3, 4}, {1, 0}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &due, nullptr);
  info = info_of(timer);
  CHECK_EQ(info["clockid"], std::string("0"));
  CHECK(info["ticks"] != "0");
  CHECK_EQ(info["settime flags"], std::string("01"));
  CHECK_EQ(info["it_interval"], std::string("(3, 4)"));
  timerfd_settime(timer, 0, &none, nullptr);
  CHECK_EQ(info_of(timer)["it_value"], std::string("(0, 0)"));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, 40);
  CHECK_EQ(info_of(signalfd(-1, &set, 0))["sigmask"], std::string("0000008000000200"));
  int poller = epoll_create1(0);
  epoll_event wanted = {.events = EPOLLIN | EPOLLET, .data = {.u64 = 0xdeadbeef12}};
  epoll_ctl(poller, EPOLL_CTL_ADD, event, &wanted);
  std::string line = info_of(poller)["tfd"];
  CHECK(line.find(std::to_string(event) + " events: 80000019 data:       deadbeef12  pos:0 ino:") !=
        std::string::npos);
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  CHECK_EQ(info_of(pidfd)["Pid"], std::to_string(getpid()));
}

TEST(namespaces_of_self) {
  struct stat own, parents;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"}) {
    std::string path = std::string("/proc/self/ns/") + name;
    char link[64] = {};
    OK(readlink, path.c_str(), link, sizeof link - 1);
    OK(stat, path.c_str(), &own);
    std::string kind = std::string(name).substr(0, std::string(name).find('_'));
    CHECK_EQ(std::string(link), kind + ":[" + std::to_string(own.st_ino) + "]");
    OK(stat, ("/proc/" + std::to_string(getppid()) + "/ns/" + name).c_str(), &parents);
    CHECK(own.st_ino == parents.st_ino && own.st_dev == parents.st_dev);
    int fd = OK(open, path.c_str(), O_RDONLY);
    char c;
    FAILS(EINVAL, read, fd, &c, 1);
    close(fd);
  }
  CHECK(list_directory("/proc/self/ns").contains("uts"));
  FAILS(ENOENT, access, "/proc/self/ns/none", F_OK);
}

TEST(tasks_of_self) {
  std::set<std::string> names = list_directory("/proc/self/task");
  CHECK_EQ(names.size(), 1u);
  CHECK(names.contains(std::to_string(gettid())));
  CHECK_EQ(read_file("/proc/self/task/" + std::to_string(gettid()) + "/comm"), read_file("/proc/self/comm"));
  FAILS(ENOENT, access, "/proc/self/task/1073741823", F_OK);
}

TEST(processes_are_listed) {
  pid_t child = start_child([] {
    for (;;) pause();
  });
  std::set<std::string> names = list_directory("/proc");
  CHECK(names.contains(std::to_string(getpid())));
  CHECK(names.contains(std::to_string(child)));
  CHECK(names.contains("self") && names.contains("meminfo"));
  kill(child, SIGKILL);
  wait_child(child);
  CHECK(!list_directory("/proc").contains(std::to_string(child)));
}

TEST(other_users_files_are_closed) {
  need_root();
  pid_t parent = getpid();
  as_nobody([=] {
    std::string base = "/proc/" + std::to_string(parent);
    char link[100];
    OK(open, (base + "/stat").c_str(), O_RDONLY);
    OK(open, (base + "/cmdline").c_str(), O_RDONLY);
    FAILS(EACCES, readlink, (base + "/exe").c_str(), link, sizeof link);
    FAILS(EACCES, readlink, (base + "/cwd").c_str(), link, sizeof link);
    FAILS(EACCES, open, (base + "/fd").c_str(), O_RDONLY);
    FAILS(EACCES, open, (base + "/environ").c_str(), O_RDONLY);
  });
}

TEST(memory_file) {
  static volatile uint64_t value = 0x1122334455667788;
  int fd = OK(open, "/proc/self/mem", O_RDWR);
  uint64_t seen = 0;
  CHECK_EQ(OK(pread64, fd, &seen, 8, reinterpret_cast<long>(&value)), 8);
  CHECK_EQ(seen, value);
  seen = 7;
  CHECK_EQ(OK(pwrite64, fd, &seen, 8, reinterpret_cast<long>(&value)), 8);
  CHECK_EQ(value, 7u);
  FAILS(EIO, pread64, fd, &seen, 8, 8);
}

TEST(smaps_and_limits) {
  std::string smaps = read_file("/proc/self/smaps");
  CHECK(smaps.find("\nRss:") != std::string::npos && smaps.find("\nPss:") != std::string::npos);
  std::string limits = read_file("/proc/self/limits");
  CHECK(limits.starts_with("Limit                     Soft Limit           Hard Limit           Units"));
  CHECK(limits.find("Max open files") != std::string::npos);
  CHECK(words(read_file("/proc/self/statm")).size() == 7);
  CHECK(number(words(read_file("/proc/self/oom_score_adj"))[0]) <= 1000);
  auto io = colon_table("/proc/self/io");
  CHECK(io.contains("rchar") && io.contains("write_bytes"));
}

TEST(mounts_of_self) {
  bool root = false, proc = false, shm = false;
  for (const std::string& line : lines(read_file("/proc/self/mounts"))) {
    auto part = words(line);
    CHECK_EQ(part.size(), 6u);
    root |= part[1] == "/";
    proc |= part[1] == "/proc" && part[2] == "proc";
    shm |= part[1] == "/dev/shm" && part[2] == "tmpfs";
  }
  CHECK(root && proc && shm);
  for (const std::string& line : lines(read_file("/proc/self/mountinfo"))) {
    auto part = words(line);
    // ID, parent, device, root, where, options, ... - type, source, options
    CHECK(part.size() >= 10);
    CHECK(is_number(part[0]) && is_number(part[1]));
    CHECK(line.find(" - ") != std::string::npos);
  }
  CHECK_EQ(read_file("/proc/mounts"), read_file("/proc/self/mounts"));
}

TEST(positions_in_proc_files) {
  // A file read in small pieces is the file read at once.
  std::string whole = read_file("/proc/self/status"), pieces;
  int fd = OK(open, "/proc/self/limits", O_RDONLY);
  std::string at_once = read_file("/proc/self/limits");
  char part[7];
  for (long n; (n = OK(read, fd, part, sizeof part)) > 0;) pieces.append(part, n);
  CHECK_EQ(pieces, at_once);
  CHECK_EQ(OK(lseek, fd, 0, SEEK_SET), 0);
  CHECK_EQ(OK(pread64, fd, part, 5, 0), 5);
  CHECK_EQ(std::string(part, 5), std::string("Limit"));
}

TEST(proc_is_read_only_in_shape) {
  as_nobody([] { FAILS(EACCES, open, "/proc/version", O_WRONLY | O_TRUNC); });
  CHECK_EQ(SYS(open, "/proc/new", O_CREAT | O_RDWR, 0644), -1);
  CHECK_EQ(SYS(mkdir, "/proc/new", 0755), -1);
  CHECK_EQ(SYS(unlink, "/proc/version"), -1);
}
