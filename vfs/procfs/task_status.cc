// /proc/PID/status: the same and more, with names.
#include <algorithm>

#include "kernel/file/fd_table.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/runqueue.h"
#include "vfs/core/fs_context.h"
#include "vfs/procfs/memory_use.h"
#include "vfs/procfs/task_dir.h"
#include "vfs/procfs/task_state.h"
#include "vfs/pseudo/show.h"

namespace lodge {
namespace {

void show_ids(const TaskState& s, const TaskParts& parts, Formatter& out) {
  if (const Cred* c = parts.cred.get()) {
    format(out, "Uid:\t{}\t{}\t{}\t{}\n", c->uid, c->euid, c->suid, c->fsuid);
    format(out, "Gid:\t{}\t{}\t{}\t{}\n", c->gid, c->egid, c->sgid, c->fsgid);
  } else {
    format(out, "Uid:\t{}\t{}\t{}\t{}\nGid:\t0\t0\t0\t0\n", s.exit_uid, s.exit_uid, s.exit_uid, s.exit_uid);
  }
  uint32_t fd_size = 64;
  if (parts.fds)
    for (int fd = -1; (fd = parts.fds->next_open(static_cast<uint32_t>(fd + 1))) >= 0;)
      while (static_cast<uint32_t>(fd) >= fd_size) fd_size *= 2;
  format(out, "FDSize:\t{}\nGroups:\t", parts.fds ? fd_size : 0);
  if (parts.cred)
    for (Gid g : parts.cred->groups) format(out, "{} ", g);
  format(out, "\nNStgid:\t{}\nNSpid:\t{}\nNSpgid:\t{}\nNSsid:\t{}\n", s.tgid, s.pid, s.group, s.session);
}

void show_memory(const TaskParts& parts, Formatter& out) {
  if (!parts.mm) return;
  MemoryUse use = memory_use(parts);
  auto row = [&](const char* name, uint64_t pages) {
    format(out, "{}:\t{:8} kB\n", name, pages << (kPageShift - 10));
  };
  row("VmPeak", use.peak);
  row("VmSize", use.total);
  row("VmLck", use.locked);
  row("VmPin", 0);
  row("VmHWM", use.resident());
  row("VmRSS", use.resident());
  row("RssAnon", use.resident() - std::min(use.resident(), use.resident_file()));
  row("RssFile", std::min(use.resident(), use.resident_file()));
  row("RssShmem", 0);
  row("VmData", use.data);
  row("VmStk", use.stack);
  row("VmExe", use.program_text);
  row("VmLib", use.library_text);
  row("VmPTE", 0);
  row("VmSwap", 0);
  row("HugetlbPages", 0);
  format(out, "CoreDumping:\t0\nTHP_enabled:\t{}\n", parts.process->thp_disabled ? 0 : 1);
}

void show_signals(const TaskState& s, Formatter& out) {
  // Who has queued how many is not counted.
  format(out, "SigQ:\t0/{}\n", s.pending_limit == kUnlimited ? 0 : s.pending_limit);
  format(out, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}\n", s.pending.bits, s.shared_pending.bits);
  format(out, "SigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n", s.blocked.bits, s.ignored.bits,
         s.caught.bits);
}

void show_capabilities(const Cred& c, Formatter& out) {
  format(out, "CapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\n", c.inheritable, c.permitted,
         c.effective);
  format(out, "CapBnd:\t{:016x}\nCapAmb:\t{:016x}\nNoNewPrivs:\t{}\n", c.bounding, c.ambient,
         c.no_new_privs ? 1 : 0);
}

}  // namespace

Result<void> show_task_status(const TaskKey& key, Formatter& out) {
  TaskState s = TRY(state_of(key));
  TaskParts parts = TRY(parts_of(key));
  out.put("Name:\t");
  put_escaped(out, s.comm, "\n\\");
  out.put('\n');
  if (parts.fs) format(out, "Umask:\t{:04o}\n", parts.fs->umask());
  format(out, "State:\t{}\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n", state_name(s.state),
         s.tgid, s.pid, s.parent);
  show_ids(s, parts, out);
  show_memory(parts, out);
  format(out, "Threads:\t{}\n", s.threads);
  show_signals(s, out);
  if (parts.cred) show_capabilities(*parts.cred, out);
  out.put("Seccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tvulnerable\n");
  int cpus = scheduler().cpu_count;
  uint64_t all = cpus < 64 ? (uint64_t{1} << cpus) - 1 : ~uint64_t{0};
  out.put("Cpus_allowed:\t");
  put_cpu_mask(out, s.affinity & all, static_cast<uint32_t>(cpus));
  out.put("\nCpus_allowed_list:\t");
  put_cpu_list(out, s.affinity & all);
  out.put("\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
  format(out, "voluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n", s.usage.voluntary,
         s.usage.involuntary);
  return {};
}

}  // namespace lodge
