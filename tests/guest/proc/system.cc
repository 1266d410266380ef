// /proc and /sys of the whole machine: what ps, top, free, uptime, mount and glibc read.
#include <sys/sysinfo.h>

#include "proc/text.h"

using namespace guest;

TEST(meminfo) {
  auto info = colon_table("/proc/meminfo");
  for (const char* name :
       {"MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapTotal", "SwapFree", "Active",
        "Inactive", "Dirty", "Shmem", "Slab", "SReclaimable", "CommitLimit", "Committed_AS"}) {
    auto value = words(info[name]);
    CHECK(value.size() == 2 && is_number(value[0]) && value[1] == "kB");
  }
  CHECK(number(info["MemFree"]) <= number(info["MemTotal"]));
  CHECK(number(info["MemAvailable"]) <= number(info["MemTotal"]));
}

TEST(stat_of_processors) {
  std::string text = read_file("/proc/stat");
  int cpus = 0;
  bool btime = false, ctxt = false, processes = false, running = false;
  for (const std::string& line : lines(text)) {
    auto part = words(line);
    if (line.starts_with("cpu")) {
      CHECK(part.size() >= 9);
      for (size_t i = 1; i < part.size(); i++) CHECK(is_number(part[i]));
      cpus += part[0] != "cpu";
    }
    btime |= part[0] == "btime" && number(part[1]) > 1'600'000'000;
    ctxt |= part[0] == "ctxt" && is_number(part[1]);
    processes |= part[0] == "processes" && number(part[1]) > 0;
    running |= part[0] == "procs_running" && number(part[1]) >= 1;
  }
  CHECK(text.starts_with("cpu  "));
  CHECK_EQ(cpus, get_nprocs());
  CHECK(btime && ctxt && processes && running);
}

TEST(stat_counts_user_time) {
  auto busy = [] {
    auto part = words(lines(read_file("/proc/stat"))[0]);
    return number(part[1]) + number(part[2]) + number(part[3]);
  };
  long before = busy();
  int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 200'000'000;
  while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {
  }
  CHECK(busy() >= before + 10);
}

TEST(uptime_and_loadavg) {
  auto uptime = words(read_file("/proc/uptime"));
  CHECK_EQ(uptime.size(), 2u);
  double up = atof(uptime[0].c_str());
  double clock = static_cast<double>(now_ns(CLOCK_BOOTTIME)) / 1e9;
  CHECK(up > 0 && up < clock + 1 && up > clock - 60);
  auto load = words(read_file("/proc/loadavg"));
  CHECK_EQ(load.size(), 5u);
  CHECK(load[3].find('/') != std::string::npos);
  CHECK(is_number(load[4]));
}

TEST(cpuinfo) {
  std::string text = read_file("/proc/cpuinfo");
  int processors = 0;
  for (const std::string& line : lines(text)) processors += line.starts_with("processor\t:");
  CHECK_EQ(processors, get_nprocs());
  CHECK(text.find("flags\t\t:") != std::string::npos);
  CHECK(text.find("model name\t:") != std::string::npos);
}

TEST(version_and_filesystems) {
  CHECK(read_file("/proc/version").starts_with("Linux version "));
  std::string systems = read_file("/proc/filesystems");
  for (const char* one : {"nodev\ttmpfs\n", "nodev\tproc\n", "\text4\n"})
    CHECK(systems.find(one) != std::string::npos);
}

TEST(sys_kernel_files) {
  for (const char* name :
       {"kernel/ostype", "kernel/osrelease", "kernel/version", "kernel/hostname", "kernel/pid_max",
        "kernel/random/uuid", "kernel/random/boot_id", "vm/overcommit_memory", "fs/file-max",
        "fs/pipe-max-size", "kernel/cap_last_cap", "kernel/ngroups_max"}) {
    CHECK(!read_file(std::string("/proc/sys/") + name).empty());
  }
  CHECK_EQ(read_file("/proc/sys/kernel/ostype"), std::string("Linux\n"));
  // A new one each time; the other is the boot's.
  CHECK(read_file("/proc/sys/kernel/random/uuid") != read_file("/proc/sys/kernel/random/uuid"));
  CHECK_EQ(read_file("/proc/sys/kernel/random/boot_id"), read_file("/proc/sys/kernel/random/boot_id"));
}

TEST(tables_of_devices_and_swaps) {
  CHECK(read_file("/proc/devices").starts_with("Character devices:\n"));
  CHECK(read_file("/proc/swaps").starts_with("Filename\t"));
  CHECK(read_file("/proc/partitions").size() < 100'000);
  CHECK(!words(read_file("/proc/vmstat")).empty());
  CHECK(read_file("/proc/cmdline").back() == '\n');
}

TEST(sysfs_of_processors) {
  std::string online = read_file("/sys/devices/system/cpu/online");
  CHECK_EQ(online, get_nprocs() == 1 ? std::string("0\n") : "0-" + std::to_string(get_nprocs() - 1) + "\n");
  CHECK(!read_file("/sys/devices/system/cpu/possible").empty());
  CHECK(list_directory("/sys/devices/system/cpu").contains("cpu0"));
}

TEST(device_nodes) {
  struct {
    const char* path;
    mode_t kind;
  } rows[] = {{"/dev/null", S_IFCHR},   {"/dev/zero", S_IFCHR},    {"/dev/full", S_IFCHR},
              {"/dev/random", S_IFCHR}, {"/dev/urandom", S_IFCHR}, {"/dev/tty", S_IFCHR},
              {"/dev/ptmx", S_IFCHR},   {"/dev/pts", S_IFDIR},     {"/dev/shm", S_IFDIR},
              {"/dev/fd", S_IFDIR},     {"/dev/stdin", 0},         {"/dev/stdout", 0}};
  for (auto& row : rows) {
    struct stat st = {};
    OK(lstat, row.path, &st);
    if (row.kind == 0) {
      CHECK(S_ISLNK(st.st_mode));
      continue;
    }
    OK(stat, row.path, &st);
    CHECK_EQ(st.st_mode & S_IFMT, row.kind);
  }
  struct stat st;
  OK(stat, "/dev/shm", &st);
  CHECK_EQ(st.st_mode & 07777, 01777u);
  OK(stat, "/dev/null", &st);
  CHECK_EQ(st.st_mode & 0777, 0666u);
}
