// `lodge`: boot loader and monitor. See command_line.h for its subcommands.
#include "userland/lodge/command_line.h"

int main(int argc, char** argv) {
  return lodge::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
}
