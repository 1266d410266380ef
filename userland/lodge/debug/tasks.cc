#include "userland/lodge/debug/tasks.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <tuple>

namespace lodge {
namespace {

constexpr size_t kMaxFrames = 64;
constexpr size_t kMaxTasks = 8192;  // as many as a VPS has slots

struct Frame {
  uint64_t caller, returns_to;
};

std::vector<uint64_t> walk(const ArenaReader& arena, const KernelImage& kernel, uint64_t slot) {
  const DebugLayout& l = kernel.layout();
  std::vector<uint64_t> frames;
  uint64_t at = arena.get<uint64_t>(slot + l.parked_at).value_or(0);
  const uint64_t lowest = slot + l.stacks_at;
  uint64_t highest = slot + l.slot_size - sizeof(Frame);
  bool came_from_below = false;
  while (frames.size() < kMaxFrames && at >= lowest && at <= highest && at % sizeof(uint64_t) == 0) {
    auto frame = arena.get<Frame>(at);
    if (!frame || !kernel.is_code(frame->returns_to)) break;
    frames.push_back(frame->returns_to);
    // Callers stand above; but once, a fault leads from the alternate stack down to the kernel stack.
    if (frame->caller <= at) {
      if (came_from_below) break;
      came_from_below = true;
      highest = at - sizeof(Frame);
    }
    at = frame->caller;
  }
  return frames;
}

// The innermost function that is not one of those that all waiting goes through.
std::string waiting_function(const KernelImage& kernel, const std::vector<uint64_t>& frames) {
  static constexpr std::string_view kWaits[] = {
      "park",       "wait_off_cpu",         "wait_until_woken", "wait_as",
      "wait_event", "wait_event_exclusive", "SleepMutex::lock", "futex_wait"};
  std::string name;
  for (uint64_t address : frames) {
    name = kernel.function_at(address - 1);
    if (std::find(std::begin(kWaits), std::end(kWaits), name) == std::end(kWaits)) break;
  }
  return name;
}

bool printable(char c) {
  return c >= ' ' && c <= '~';
}

TaskView read_task(const ArenaReader& arena, const KernelImage& kernel, uint64_t slot) {
  const DebugLayout& l = kernel.layout();
  TaskView t;
  t.kernel_thread = arena.get<uint8_t>(slot + l.is_task).value_or(0) == 0;
  uint32_t state = arena.get<uint32_t>(slot + l.state).value_or(~0u);
  if (state < sizeof l.state_letters && l.state_letters[state]) t.state = l.state_letters[state];
  t.in_guest = !t.kernel_thread && arena.get<uint8_t>(slot + l.in_kernel).value_or(1) == 0;
  t.frames = walk(arena, kernel, slot);
  if (t.kernel_thread) {
    uint64_t main = arena.get<uint64_t>(slot + l.kernel_main).value_or(0);
    t.name = '[';
    t.name += main ? kernel.function_at(main) : "zygote";
    t.name += ']';
    // It has no virtual CPU, and no state that the scheduler keeps.
    t.state = t.frames.empty() ? 'R' : 'S';
  } else {
    uint64_t cpu = arena.get<uint64_t>(slot + l.virtual_cpu).value_or(0);
    if (cpu) t.cpu = arena.get<int32_t>(cpu + l.cpu_index).value_or(-1);
    uint64_t total = arena.get<uint64_t>(slot + l.runtime).value_or(0);
    t.system_ns = std::min(total, arena.get<uint64_t>(slot + l.system_time).value_or(0));
    t.user_ns = total - t.system_ns;
    t.tid = arena.get<int32_t>(slot + l.tid).value_or(0);
    uint64_t process = arena.get<uint64_t>(slot + l.process).value_or(0);
    if (process) t.pid = arena.get<int32_t>(process + l.process_pid).value_or(0);
    char name[16] = {};
    arena.read(slot + l.name, name, sizeof name);
    for (size_t i = 0; i < sizeof name && name[i]; i++) t.name += printable(name[i]) ? name[i] : '?';
  }
  t.waits_in = waiting_function(kernel, t.frames);
  return t;
}

std::string milliseconds(uint64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%lu.%03lu", ns / 1'000'000'000, ns / 1'000'000 % 1000);
  return text;
}

std::string where(const TaskView& t) {
  if (t.in_guest) return "(in the guest)";
  if (t.frames.empty()) return "(in the kernel, running)";
  return t.waits_in;
}

}  // namespace

std::vector<TaskView> read_tasks(const ArenaReader& arena, const KernelImage& kernel) {
  const DebugLayout& l = kernel.layout();
  std::vector<TaskView> tasks;
  for (uint64_t at = arena.begin(); at < arena.end() && tasks.size() < kMaxTasks; at += l.slot_size) {
    at = arena.next_data(at) & ~(l.slot_size - 1);
    if (arena.get<uint64_t>(at + l.slot_magic_at) != l.slot_magic) continue;
    TaskView t = read_task(arena, kernel, at);
    // What a slot held before stays until it is used again.
    if (!t.kernel_thread && (t.state == 'X' || t.tid <= 0)) continue;
    tasks.push_back(std::move(t));
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const TaskView& a, const TaskView& b) {
    return std::tuple(!a.kernel_thread, a.pid, a.tid) < std::tuple(!b.kernel_thread, b.pid, b.tid);
  });
  return tasks;
}

std::string format_task_list(const std::vector<TaskView>& tasks) {
  std::string out = "  PID   TID S CPU      USER    SYSTEM WAITS IN                 COMMAND\n";
  for (const TaskView& t : tasks) {
    char line[256];
    auto number = [](int32_t n, bool known) { return known ? std::to_string(n) : std::string("-"); };
    std::snprintf(line, sizeof line, "%5s %5s %c %3s %9s %9s %-24s %s\n",
                  number(t.pid, !t.kernel_thread).c_str(), number(t.tid, !t.kernel_thread).c_str(), t.state,
                  number(t.cpu, t.cpu >= 0).c_str(), t.kernel_thread ? "-" : milliseconds(t.user_ns).c_str(),
                  t.kernel_thread ? "-" : milliseconds(t.system_ns).c_str(), where(t).c_str(),
                  t.name.c_str());
    out += line;
  }
  return out;
}

std::string format_stacks(const std::vector<TaskView>& tasks, const KernelImage& kernel) {
  std::string out;
  for (const TaskView& t : tasks) {
    if (!out.empty()) out += '\n';
    if (t.kernel_thread)
      out += t.name;
    else
      out.append("pid ")
          .append(std::to_string(t.pid))
          .append(", tid ")
          .append(std::to_string(t.tid))
          .append(", ")
          .append(t.name);
    out += ", ";
    out += t.state;
    out += ":\n";
    if (t.frames.empty()) out.append("    ").append(where(t)).append("\n");
    for (uint64_t address : t.frames) {
      char prefix[32];
      std::snprintf(prefix, sizeof prefix, "    %012lx ", address);
      out.append(prefix).append(kernel.describe_return(address)).append("\n");
    }
  }
  return out;
}

}  // namespace lodge
