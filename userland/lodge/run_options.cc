// The command line of `lodge run`: from CLI11 to RunOptions. What is wrong in itself is refused here, what is
// wrong for an image or a host (no such file, too little memory) by cmd_run.
#include <cmath>
#include <memory>

#include "userland/lodge/command_line.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/run.h"
#include "userland/lodge/size_parse.h"

namespace lodge {

namespace {

constexpr uint64_t kMaxId = 0xfffffffe;  // (uid_t)-1 means "no change" to Linux
constexpr size_t kMaxHostname = 64;      // __NEW_UTS_LEN
constexpr unsigned kMaxCpus = 64;
constexpr double kLeastCpus = 0.01;

// The arguments whose text needs a look before it becomes a field of RunOptions.
struct RawRunOptions {
  RunOptions options{};
  std::string memory = "512M";
  std::string user = "0";
  double cpus = 0;
};

void take_user(const std::string& text, RunOptions& options) {
  size_t colon = text.find(':');
  std::optional<uint64_t> uid = parse_number(text.substr(0, colon), kMaxId);
  std::optional<uint64_t> gid;
  if (colon != std::string::npos) gid = parse_number(text.substr(colon + 1), kMaxId);
  if (!uid || (colon != std::string::npos && !gid)) {
    throw Failure("--user '" + text + "' is not UID or UID:GID in numbers");
  }
  options.uid = static_cast<uint32_t>(*uid);
  if (gid) options.gid = static_cast<uint32_t>(*gid);
}

// A whole number limits nothing: so many virtual CPUs have so much time. A fraction rounds their number up
// and limits the time of all together.
void take_cpus(double cpus, RunOptions& options) {
  if (!std::isfinite(cpus)) throw Failure("--cpus takes a number");
  options.cpus = static_cast<unsigned>(std::ceil(cpus));
  if (cpus != std::ceil(cpus)) options.cpu_limit_percent = static_cast<unsigned>(std::lround(cpus * 100));
}

void check(const RunOptions& options) {
  if (options.hostname.empty() || options.hostname.size() > kMaxHostname) {
    throw Failure("--hostname takes 1 to 64 bytes");
  }
  for (const std::string& variable : options.environment) {
    if (variable.find('=') == std::string::npos || variable.front() == '=') {
      throw Failure("--env '" + variable + "' is not NAME=VALUE");
    }
  }
  for (const std::string* path : {&options.working_directory, &options.init}) {
    if (!path->empty() && path->front() != '/') throw Failure("'" + *path + "' is not an absolute path");
  }
  if (!options.init.empty() && !options.command.empty()) {
    throw Failure("--init boots the image's own init; it takes no command");
  }
}

RunOptions finish(const RawRunOptions& raw, const std::vector<std::string>& command) {
  RunOptions options = raw.options;
  options.command = command;
  std::optional<uint64_t> memory = parse_size(raw.memory);
  if (!memory) throw Failure("--memory '" + raw.memory + "' is not a size such as 512M or 2G");
  options.memory_bytes = *memory;
  take_user(raw.user, options);
  take_cpus(raw.cpus, options);
  check(options);
  return options;
}

}  // namespace

void register_run(CLI::App& app, const std::vector<std::string>& command, int& exit_code) {
  CLI::App* run = app.add_subcommand("run", "Boot a VPS in the foreground");
  run->footer("COMMAND [ARGUMENT...] comes behind the options, or behind --.");
  auto raw = std::make_shared<RawRunOptions>();
  RunOptions& options = raw->options;
  options.hostname = "lodge";
  run->add_option("--image", options.image, "Disk image (default: the one built with lodge)");
  run->add_option("--memory", raw->memory, "Memory of the VPS (default: 512M)");
  run->add_option("--cpus", raw->cpus, "Virtual CPUs (default: the host's); 1.5: two, for 1.5 CPUs' time")
      ->check(CLI::Range(kLeastCpus, static_cast<double>(kMaxCpus)));
  run->add_option("--hostname", options.hostname, "Host name inside (default: lodge)");
  run->add_option("--init", options.init, "Boot this init of the image");
  run->add_option("-e,--env", options.environment, "Environment variable NAME=VALUE")
      ->allow_extra_args(false);
  run->add_option("-w,--workdir", options.working_directory, "Working directory inside");
  run->add_option("-u,--user", raw->user, "UID[:GID] that the command runs as (default: 0)");
  run->add_flag("-t,--tty", options.terminal, "Give the command a terminal");
  run->add_flag("--strace", options.strace, "Print every system call");
  run->add_flag("--quiet", options.quiet, "Do not name the missing system calls at the end");
  run->add_option("--kernel", options.kernel)->group("");
  run->add_flag("--trap-only", options.trap_only)->group("");
  run->add_flag("--no-fsgsbase", options.no_fsgsbase)->group("");
  run->add_flag("--clock-calls", options.clock_calls)->group("");
  run->add_flag("--debug-dumpable", options.debug_dumpable)->group("");
  run->callback([raw, &command, &exit_code] { exit_code = cmd_run(finish(*raw, command)); });
}

}  // namespace lodge
