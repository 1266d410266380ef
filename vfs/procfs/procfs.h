// proc(5): processes, and what the kernel says of itself. See README.md.
#pragma once
#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/task/process.h"
#include "vfs/core/vfs.h"
#include "vfs/pseudo/node.h"

namespace lodge {

// What /proc keeps between two readings.
struct ProcState {
  static constexpr KernelPart kPart = KernelPart::kProc;
  uint64_t boot_id[2] = {};  // /proc/sys/kernel/random/boot_id
};

// At boot, when tasks, memory and the clock are there: makes ProcState and the file system type "proc".
Result<void> register_procfs(Vfs& vfs);

// The process that an open /proc/PID is about, while it is there; null if the file is another one.
RefPtr<Process> process_of_proc_dir(File& file);

// The table of /proc/sys (sys.cc).
extern const PseudoNode kProcSys;

// Contents of files in the root (cpuinfo.cc, load.cc, memory.cc).
using ShowProc = void(Formatter& out, uint32_t index);
ShowProc show_cpuinfo, show_stat, show_uptime, show_loadavg, show_interrupts, show_softirqs, show_schedstat;
ShowProc show_meminfo, show_vmstat, show_zoneinfo, show_buddyinfo, show_slabinfo;

}  // namespace lodge
