// See doctor.h.
#include "userland/lodge/doctor/doctor.h"

#include <csignal>
#include <cstdio>

#include "userland/lodge/command_line.h"
#include "userland/lodge/failure.h"

namespace lodge {

namespace {

const char* mark(Health health) {
  switch (health) {
    case Health::kGood:
      return "ok   ";
    case Health::kLimited:
      return "warn ";
    case Health::kBroken:
      return "FAIL ";
  }
  return "?";
}

}  // namespace

int print_findings(const std::vector<DoctorCheck>& checks) {
  std::string broken_names;
  for (const DoctorCheck& check : checks) {
    Finding finding = check.look();
    printf("%s %s: %s\n", mark(finding.health), check.name, finding.found.c_str());
    if (finding.health == Health::kGood) continue;
    printf("        %s\n        %s\n", finding.consequence.c_str(), finding.remedy.c_str());
    if (finding.health == Health::kBroken)
      broken_names += (broken_names.empty() ? "" : ", ") + std::string(check.name);
  }
  fflush(stdout);
  if (!broken_names.empty()) return fail("no VPS can boot on this host: " + broken_names);
  printf("Lodge can boot on this host.\n");
  return 0;
}

int cmd_doctor() {
  signal(SIGXFSZ, SIG_IGN);  // too small a file size limit is a finding, not our end
  std::vector<DoctorCheck> checks;
  append_kernel_checks(checks);
  append_limit_checks(checks);
  append_device_checks(checks);
  return print_findings(checks);
}

void register_doctor(CLI::App& app, int& exit_code) {
  CLI::App* doctor = app.add_subcommand("doctor", "Check whether this host can run Lodge");
  doctor->callback([&exit_code] { exit_code = cmd_doctor(); });
}

}  // namespace lodge
