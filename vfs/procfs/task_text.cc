// The smaller files of a task: arguments, environment, name, limits, scores.
#include "kernel/sched/runqueue.h"
#include "vfs/procfs/task_dir.h"
#include "vfs/procfs/task_state.h"

namespace lodge {
namespace {

constexpr size_t kPiece = 2048;  // copied at once, through the kernel's stack

enum class Until : uint8_t { kEnd, kNul };

// Guest memory [start, end) as it is, as far as it can be had.
void put_memory(Formatter& out, const TaskParts& parts, uint64_t start, uint64_t end,
                Until until = Until::kEnd) {
  char piece[kPiece];
  while (start < end && !out.truncated()) {
    size_t n = end - start < kPiece ? end - start : kPiece;
    auto got = parts.mm->copy_remote(Mm::Direction::kRead, parts.generation, start, {piece, n});
    if (!got.ok() || *got == 0) return;
    std::string_view text(piece, *got);
    size_t nul = until == Until::kNul ? text.find('\0') : kNotFound;
    out.put(substr(text, 0, nul));
    if (nul != kNotFound) return;
    start += *got;
  }
}

}  // namespace

// A program that has written over the end of its arguments means a longer text, which goes on over its
// environment up to the first NUL (setproctitle(3)).
Result<void> show_task_cmdline(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(parts_of(key));
  if (!parts.mm) return {};
  const Mm& mm = *parts.mm;
  put_memory(out, parts, mm.arg_start, mm.arg_end);
  std::string_view text = out.view();
  if (!text.empty() && text.find('\0') == kNotFound && mm.env_start == mm.arg_end)
    put_memory(out, parts, mm.env_start, mm.env_end, Until::kNul);
  return {};
}

Result<void> show_task_environ(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(inspect(key));
  if (parts.mm) put_memory(out, parts, parts.mm->env_start, parts.mm->env_end);
  return {};
}

// As it stands on the program's stack, where it was put.
Result<void> show_task_auxv(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(inspect(key));
  if (parts.mm) put_memory(out, parts, parts.mm->auxv_start, parts.mm->auxv_end);
  return {};
}

Result<void> show_task_comm(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  format(out, "{}\n", std::string_view(s.comm));
  return {};
}

// Only the threads of a process name each other.
Result<void> store_task_comm(const TaskKey& key, std::string_view text) {
  text = substr(text, 0, sizeof Task::comm - 1);
  size_t n = text.find('\n');
  text = substr(text, 0, n);
  Result<void> done = Errno::EINVAL;
  TRY(with_task(key, [&](Process& p, Task* t) {
    if (&p != &current_task().process() || !t) return;
    char name[sizeof t->comm] = {};
    for (size_t i = 0; i < text.size(); i++) name[i] = text[i];
    __builtin_memcpy(t->comm, name, sizeof name);
    done = {};
  }));
  return done;
}

Result<void> show_task_limits(const TaskKey& key, Formatter& out) {
  static constexpr struct {
    const char *name, *unit;
  } kRows[kLimitCount] = {
      {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
      {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
      {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
      {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
      {"Max msgqueue size", "bytes"}, {"Max nice priority", ""},       {"Max realtime priority", ""},
      {"Max realtime timeout", "us"}};
  RlimitPair limits[kLimitCount];
  TRY(with_task(key, [&](Process& p, Task*) {
    MutexLock lock(p.limits_lock);
    for (int i = 0; i < kLimitCount; i++) limits[i] = p.limits[i];
  }));
  auto put_value = [&](uint64_t v) {
    if (v == kUnlimited)
      format(out, "{:<20} ", "unlimited");
    else
      format(out, "{:<20} ", v);
  };
  format(out, "{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
  for (int i = 0; i < kLimitCount; i++) {
    format(out, "{:<25} ", kRows[i].name);
    put_value(limits[i].soft);
    put_value(limits[i].hard);
    if (*kRows[i].unit) format(out, "{:<10}", kRows[i].unit);
    out.put('\n');
  }
  return {};
}

// Not counted.
Result<void> show_task_io(const TaskKey& key, Formatter& out) {
  (void)TRY(inspect(key));
  for (const char* name :
       {"rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"})
    format(out, "{}: 0\n", name);
  return {};
}

namespace {

Result<int32_t> oom_adj_of(const TaskKey& key) {
  int32_t adj = 0;
  TRY(with_task(key, [&](Process& p, Task*) { adj = p.oom_score_adj; }));
  return adj;
}

constexpr int32_t kOomAdjMax = 1000;

}  // namespace

// Thousandths of the memory that it has taken, moved by what was set (proc(5)).
Result<void> show_task_oom_score(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(parts_of(key));
  int64_t score = TRY(oom_adj_of(key));
  if (parts.mm) {
    uint64_t limit = parts.mm->system().account.limit();
    if (limit) score += static_cast<int64_t>(parts.mm->counters().data * 1000 / limit);
  }
  format(out, "{}\n", score < 0 ? 0 : score);
  return {};
}

Result<void> show_task_oom_score_adj(const TaskKey& key, Formatter& out) {
  format(out, "{}\n", TRY(oom_adj_of(key)));
  return {};
}

// The older scale, -17 to 15.
Result<void> show_task_oom_adj(const TaskKey& key, Formatter& out) {
  int32_t adj = TRY(oom_adj_of(key));
  format(out, "{}\n", adj == kOomAdjMax ? 15 : adj * 17 / kOomAdjMax);
  return {};
}

Result<void> store_task_oom_score_adj(const TaskKey& key, std::string_view text) {
  int64_t adj = TRY(parse_i64(trim(text)));
  if (adj < -kOomAdjMax || adj > kOomAdjMax) return Errno::EINVAL;
  bool privileged = current_task().cred().capable(Cap::kSysResource);
  Result<void> done;
  TRY(with_task(key, [&](Process& p, Task*) {
    if (adj < p.oom_score_adj && !privileged)
      done = Errno::EACCES;
    else
      p.oom_score_adj = static_cast<int32_t>(adj);
  }));
  return done;
}

Result<void> show_task_schedstat(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  format(out, "{} 0 {}\n", s.usage.user + s.usage.system, s.usage.voluntary + s.usage.involuntary);
  return {};
}

Result<void> show_task_sched(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  format(out, "{} ({}, #threads: {})\n", std::string_view(s.comm), s.pid, s.threads);
  out.repeat('-', 67).put('\n');
  uint64_t run = s.usage.user + s.usage.system;
  format(out, "{:<45}:{:14}.{:06}\n", "se.sum_exec_runtime", run / 1'000'000, run % 1'000'000);
  format(out, "{:<45}:{:21}\n", "nr_switches", s.usage.voluntary + s.usage.involuntary);
  format(out, "{:<45}:{:21}\n", "nr_voluntary_switches", s.usage.voluntary);
  format(out, "{:<45}:{:21}\n", "nr_involuntary_switches", s.usage.involuntary);
  format(out, "{:<45}:{:21}\n", "policy", s.policy);
  format(out, "{:<45}:{:21}\n", "prio", s.rt_priority ? 99 - s.rt_priority : 120 + s.nice);
  return {};
}

Result<void> show_task_personality(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  format(out, "{:08x}\n", s.personality);
  return {};
}

Result<void> show_task_timer_slack(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  format(out, "{}\n", s.timer_slack_ns);
  return {};
}

Result<void> store_task_timer_slack(const TaskKey& key, std::string_view text) {
  constexpr uint64_t kDefaultNs = 50'000;
  uint64_t ns = TRY(parse_u64(trim(text)));
  bool privileged = current_task().cred().capable(Cap::kSysNice);
  Result<void> done;
  TRY(with_task(key, [&](Process& p, Task* t) {
    if (&p != &current_task().process() && !privileged)
      done = Errno::EPERM;
    else if (t)
      t->timer_slack = ns ? ns : kDefaultNs;
  }));
  return done;
}

}  // namespace lodge
