// `lodge-image`: what `lodge image ...` executes, with the same arguments.
#include <clocale>

#include "userland/lodge/command_line.h"

int main(int argc, char** argv) {
  // libarchive turns the names in tars into the locale's encoding; under "C" it refuses all that is not
  // ASCII.
  setlocale(LC_CTYPE, "C.UTF-8");
  CLI::App app("Makes disk images.", "lodge");
  app.require_subcommand(1);
  int exit_code = 0;
  lodge::register_image(app, exit_code);
  return lodge::parse_command_line(app, std::vector<std::string>(argv + 1, argv + argc), exit_code);
}
