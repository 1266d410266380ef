// The command line of `lodge debug`.
#include <memory>

#include "userland/lodge/command_line.h"
#include "userland/lodge/debug/debug.h"

namespace lodge {

void register_debug(CLI::App& app, int& exit_code) {
  CLI::App* debug = app.add_subcommand("debug", "Look into a running VPS");
  debug->require_subcommand(1);
  auto add_view = [&](const char* name, const char* description, DebugView view) {
    CLI::App* command = debug->add_subcommand(name, description);
    auto options = std::make_shared<DebugOptions>(DebugOptions{view, 0});
    command->add_option("PID", options->pid, "The lodge process (default: the only one)")
        ->check(CLI::PositiveNumber);
    command->callback([options, &exit_code] { exit_code = cmd_debug(*options); });
  };
  add_view("ps", "List its tasks", DebugView::kTasks);
  add_view("stacks", "Print the kernel stack of each task", DebugView::kStacks);
}

}  // namespace lodge
