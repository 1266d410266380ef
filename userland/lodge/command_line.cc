// See command_line.h. Here: the frame around the subcommands, and where the guest's command starts.
#include "userland/lodge/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "userland/lodge/failure.h"

namespace lodge {

namespace {

// Does this argument leave its value to the next one? "--memory" does, "--memory=1G", "-t" and "-w/tmp" do
// not.
bool takes_next_argument(const CLI::App& run, const std::string& argument) {
  auto wants_value = [&](const std::string& name) {
    const CLI::Option* option = run.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_max() > 0;
  };
  if (argument.starts_with("--")) return wants_value(argument);
  for (size_t i = 1; i < argument.size(); i++) {
    if (wants_value(std::string("-") + argument[i])) return i + 1 == argument.size();
  }
  return false;
}

// `lodge image` is a program of its own, beside this one.
int execute_image(const std::vector<std::string>& arguments) {
  std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lodge-image";
  std::vector<char*> argv{program.data()};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  return fail(host_failure("cannot execute " + program, errno).what());
}

}  // namespace

SplitArguments split_run_arguments(const CLI::App& run, const std::vector<std::string>& arguments) {
  auto at = arguments.begin();
  while (at != arguments.end() && *at != "--" && at->size() > 1 && at->front() == '-') {
    at += takes_next_argument(run, *at) && at + 1 != arguments.end() ? 2 : 1;
  }
  SplitArguments split{{arguments.begin(), at}, {}};
  if (at != arguments.end() && *at == "--") ++at;
  split.command.assign(at, arguments.end());
  return split;
}

int parse_command_line(CLI::App& app, std::vector<std::string> parsed, const int& exit_code) {
  std::reverse(parsed.begin(), parsed.end());  // CLI11 wants the last argument first
  try {
    app.parse(std::move(parsed));
    return exit_code;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (see lodge --help)");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

int run_command_line(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "image") return execute_image(arguments);
  CLI::App app("Boots Linux userlands in unprivileged processes, on a kernel of their own.", "lodge");
  app.require_subcommand(1);
  int exit_code = 0;
  std::vector<std::string> command;
  register_run(app, command, exit_code);
  app.add_subcommand("image", "Make disk images");  // for the help; see execute_image
  register_doctor(app, exit_code);
  register_debug(app, exit_code);

  std::vector<std::string> parsed = arguments;
  if (!arguments.empty() && arguments.front() == "run") {
    SplitArguments split =
        split_run_arguments(*app.get_subcommand("run"), {arguments.begin() + 1, arguments.end()});
    parsed = std::move(split.options);
    parsed.insert(parsed.begin(), "run");
    command = std::move(split.command);
  }
  return parse_command_line(app, std::move(parsed), exit_code);
}

}  // namespace lodge
