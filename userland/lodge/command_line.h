// The command line of `lodge`, and nothing else: each register_*() adds one subcommand to the CLI11
// application, checks its arguments, and leaves a callback that runs the command and stores the exit code. No
// locks.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lodge {

// `exit_code` outlives the application; every callback stores what its command returned. `command` is the
// guest's command and is filled before the application parses.
void register_run(CLI::App& app, const std::vector<std::string>& command, int& exit_code);
void register_debug(CLI::App& app, int& exit_code);
void register_image(CLI::App& app, int& exit_code);
void register_doctor(CLI::App& app, int& exit_code);

// Splits the arguments of `lodge run` where the guest's command starts: behind the first "--", or at the
// first argument that is neither an option of `run` nor the value of one. CLI11 would go on looking for
// options in it.
struct SplitArguments {
  std::vector<std::string> options;
  std::vector<std::string> command;
};
SplitArguments split_run_arguments(const CLI::App& run, const std::vector<std::string>& arguments);

// Parses with what was registered, runs, returns the exit code, which the callbacks leave in `exit_code`. An
// error is one line.
int parse_command_line(CLI::App& app, std::vector<std::string> arguments, const int& exit_code);

// The whole program: parses, runs, returns the exit code. `arguments` without the program's name.
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace lodge
