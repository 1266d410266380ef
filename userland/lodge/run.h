// `lodge run`: boots a VPS in the foreground and returns the exit code of the whole program. The command line
// is parsed in run_options.cc; cmd_run (run.cc) takes what came out of it. May throw Failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lodge {

struct RunOptions {
  std::string image;           // empty: the default image, images/default.img beside the build's bin/
  uint64_t memory_bytes;       // what the VPS may touch
  unsigned cpus;               // virtual CPUs; 0: as many as the host lets us use
  unsigned cpu_limit_percent;  // of one CPU's time, for all together; 0: no limit
  std::string hostname;
  std::string init;                      // path of the image's init; empty: a login-like shell, or `command`
  std::vector<std::string> environment;  // "K=V", in the order given
  std::string working_directory;         // empty: the user's home
  uint32_t uid;
  std::optional<uint32_t> gid;  // empty: the user's own group
  bool terminal;                // -t: the command gets a terminal instead of three streams
  bool strace;
  bool quiet;
  std::string kernel;   // hidden: another kernel than the lodge-kernel beside lodge; empty: that one
  bool trap_only;       // hidden: no call site is patched, every syscall takes the SIGSYS path
  bool no_fsgsbase;     // hidden: as on a host whose programs cannot set their fs and gs bases
  bool clock_calls;     // hidden: as on a host whose vDSO cannot read the clock source
  bool debug_dumpable;  // hidden: leaves the VPS's processes dumpable, so that gdb can attach
  std::vector<std::string> command;
};

int cmd_run(const RunOptions& options);

}  // namespace lodge
