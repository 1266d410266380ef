// /proc/PID/stat and statm: what ps and top read, one line of fields without names (proc(5),
// fs/proc/array.c).
#include "kernel/mm/mm.h"
#include "vfs/procfs/memory_use.h"
#include "vfs/procfs/task_dir.h"
#include "vfs/procfs/task_state.h"

namespace lodge {
namespace {

// PF_ flags that somebody may look at: PF_FORKNOEXEC is not known, PF_RANDOMIZE always holds.
constexpr uint32_t kFlagRandomize = 0x00400000, kFlagExiting = 4;

uint64_t ticks(uint64_t ns) {
  return ns / kTickNs100;
}

// As the scheduler's own scale has it: 20 for nice 0, below 0 for real time.
int shown_priority(const TaskState& s) {
  return s.rt_priority > 0 ? -1 - s.rt_priority : 20 + s.nice;
}

}  // namespace

Result<void> show_task_stat(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  TaskParts parts = TRY(parts_of(key));
  MemoryUse use = memory_use(parts);
  bool inside = may_inspect(parts);  // addresses are for those only who might debug it
  const Mm* mm = inside ? parts.mm.get() : nullptr;
  Tty* tty = s.tty.get();
  format(out, "{} ({}) {} {} {} {} {} {} {} ", s.pid, std::string_view(s.comm), s.state, s.parent, s.group,
         s.session, tty ? tty->device() : 0, tty ? tty->foreground_group() : -1,
         kFlagRandomize | (s.state == 'Z' ? kFlagExiting : 0));
  // Faults, and processor time of it and of the children it has waited for.
  format(out, "{} {} 0 0 {} {} {} {} ", s.usage.min_faults, s.children.min_faults, ticks(s.usage.user),
         ticks(s.usage.system), ticks(s.children.user), ticks(s.children.system));
  format(out, "{} {} {} 0 {} ", shown_priority(s), s.nice, s.threads, ticks(s.start_time));
  format(out, "{} {} {} ", use.total << kPageShift, use.resident(), s.resident_limit);
  format(out, "{} {} {} 0 0 ", mm ? use.code_start : 1, mm ? use.code_end : 1, mm ? mm->stack_top() : 0);
  format(out, "{} {} {} {} 0 0 0 ", s.pending.bits & 0x7fffffff, s.blocked.bits & 0x7fffffff,
         s.ignored.bits & 0x7fffffff, s.caught.bits & 0x7fffffff);
  format(out, "{} {} {} {} 0 0 0 ", s.exit_signal, s.cpu, s.rt_priority, s.policy);
  if (mm)
    format(out, "{} {} {} {} {} {} {} ", mm->heap_start(), mm->heap_start(), mm->heap_start(), mm->arg_start,
           mm->arg_end, mm->env_start, mm->env_end);
  else
    out.put("0 0 0 0 0 0 0 ");
  format(out, "{}\n", inside ? s.exit_status : 0);
  return {};
}

Result<void> show_task_statm(const TaskKey& key, Formatter& out) {
  MemoryUse use = memory_use(TRY(parts_of(key)));
  format(out, "{} {} {} {} 0 {} 0\n", use.total, use.resident(), use.resident_file(), use.program_text,
         use.data + use.stack);
  return {};
}

}  // namespace lodge
