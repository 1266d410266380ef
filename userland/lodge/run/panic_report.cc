#include "userland/lodge/run/panic_report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "userland/lodge/debug/tasks.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/size_parse.h"

namespace lodge {
namespace {

constexpr int kRounds = 40;
constexpr useconds_t kRoundUs = 5000;
constexpr size_t kMostPrinted = 512;

std::vector<pid_t> numbers_in(const std::string& directory) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (auto n = parse_number(entry.path().filename().string(), INT32_MAX))
      found.push_back(static_cast<pid_t>(*n));
  return found;
}

pid_t parent_of(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  pid_t parent = 0;
  // Behind the name, which may hold anything.
  size_t at = text.rfind(')');
  if (at == std::string::npos || std::sscanf(text.c_str() + at, ") %*c %d", &parent) != 1) return 0;
  return parent;
}

bool runs_in_kernel(const TaskView& t) {
  return !t.in_guest && t.frames.empty();
}

}  // namespace

std::vector<pid_t> host_children() {
  std::vector<pid_t> all = numbers_in("/proc");
  std::erase_if(all, [](pid_t p) { return parent_of(p) != getpid(); });
  return all;
}

std::vector<pid_t> host_threads(pid_t process) {
  return numbers_in("/proc/" + std::to_string(process) + "/task");
}

std::string panic_stacks(const Vps& vps, const std::function<void()>& kick_all) {
  try {
    KernelImage kernel(vps.kernel.get());
    ArenaReader arena(vps.arena.get());
    std::vector<TaskView> tasks;
    for (int round = 0; round < kRounds; round++) {
      kick_all();
      usleep(kRoundUs);
      tasks = read_tasks(arena, kernel);
      // A thread that waits for its virtual CPU has a frame too; one without is on its way to its first.
      if (std::none_of(tasks.begin(), tasks.end(), runs_in_kernel)) break;
    }
    tasks.resize(std::min(tasks.size(), kMostPrinted));
    return format_stacks(tasks, kernel);
  } catch (const std::exception& error) {
    return std::string("the stacks cannot be read: ") + error.what() + "\n";
  }
}

}  // namespace lodge
