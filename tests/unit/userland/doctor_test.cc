// What `lodge doctor` says of findings, and that its ways of trying things tell the truth.
#include "userland/lodge/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "userland/lodge/doctor/child_process.h"

namespace lodge {
namespace {

using testing::HasSubstr;

std::string printed(const std::vector<DoctorCheck>& checks, int expected_exit_code) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(print_findings(checks), expected_exit_code);
  std::string out = testing::internal::GetCapturedStdout();
  return out + testing::internal::GetCapturedStderr();
}

TEST(Doctor, AHostWithLimitsBoots) {
  std::string text = printed({{"one", [] { return good("fine"); }},
                              {"two", [] { return limited("old", "It is slow.", "Renew it."); }}},
                             0);
  EXPECT_THAT(text, HasSubstr("ok    one: fine\n"));
  EXPECT_THAT(text, HasSubstr("warn  two: old\n        It is slow.\n        Renew it.\n"));
}

TEST(Doctor, ABrokenHostIs125AndNamed) {
  std::string text = printed({{"one", [] { return broken("gone", "Nothing boots.", "Find it."); }},
                              {"two", [] { return good("fine"); }},
                              {"three", [] { return broken("gone", "Nothing boots.", "Find it."); }}},
                             125);
  EXPECT_THAT(text, HasSubstr("FAIL  one: gone\n"));
  EXPECT_THAT(text, HasSubstr("lodge: no VPS can boot on this host: one, three\n"));
}

TEST(Doctor, EveryTroubleComesWithConsequenceAndRemedy) {
  std::vector<DoctorCheck> checks;
  append_kernel_checks(checks);
  append_limit_checks(checks);
  append_device_checks(checks);
  EXPECT_GE(checks.size(), 15u);
  for (const DoctorCheck& check : checks) {
    Finding finding = check.look();
    EXPECT_FALSE(finding.found.empty()) << check.name;
    EXPECT_EQ(finding.consequence.empty(), finding.health == Health::kGood) << check.name;
    EXPECT_EQ(finding.remedy.empty(), finding.health == Health::kGood) << check.name;
  }
}

TEST(TryInChild, TellsHowItEnded) {
  EXPECT_EQ(try_in_child([] { return 0; }), 0);
  EXPECT_EQ(try_in_child([] { return 42; }), 42);
  EXPECT_EQ(try_in_child([] { return raise(SIGKILL); }), killed_by(SIGKILL));
}

}  // namespace
}  // namespace lodge
