// `lodge`: boot loader, monitor and image tool in one program. See command_line.h for its subcommands.
#include <clocale>

#include "userland/lodge/command_line.h"

int main(int argc, char** argv) {
  // libarchive turns the names in tars into the locale's encoding; under "C" it refuses all that is not
  // ASCII.
  setlocale(LC_CTYPE, "C.UTF-8");
  return lodge::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
}
