// Where the guest's command starts in the arguments of `lodge run`.
#include "userland/lodge/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SplitRunArguments : public testing::Test {
 protected:
  SplitArguments split(const std::vector<std::string>& arguments) {
    CLI::App app;
    std::vector<std::string> command;
    int exit_code = 0;
    register_run(app, command, exit_code);
    return split_run_arguments(*app.get_subcommand("run"), arguments);
  }
};

TEST_F(SplitRunArguments, CommandStartsAtTheFirstWord) {
  SplitArguments got = split({"--memory", "1G", "-t", "-w/tmp", "ls", "-l", "--", "x"});
  EXPECT_THAT(got.options, ElementsAre("--memory", "1G", "-t", "-w/tmp"));
  EXPECT_THAT(got.command, ElementsAre("ls", "-l", "--", "x"));
}

TEST_F(SplitRunArguments, CommandStartsBehindTheMark) {
  SplitArguments got = split({"--cpus=2", "--", "--help", "--", "y"});
  EXPECT_THAT(got.options, ElementsAre("--cpus=2"));
  EXPECT_THAT(got.command, ElementsAre("--help", "--", "y"));
}

TEST_F(SplitRunArguments, ClusteredShortOptionsKeepTheirValue) {
  SplitArguments got = split({"-te", "A=1", "-tu0", "sh"});
  EXPECT_THAT(got.options, ElementsAre("-te", "A=1", "-tu0"));
  EXPECT_THAT(got.command, ElementsAre("sh"));
}

TEST_F(SplitRunArguments, NoCommand) {
  SplitArguments got = split({"--strace", "--image"});
  EXPECT_THAT(got.options, ElementsAre("--strace", "--image"));
  EXPECT_THAT(got.command, IsEmpty());
}

TEST_F(SplitRunArguments, UnknownOptionIsLeftForTheParserToRefuse) {
  EXPECT_THAT(split({"--bogus", "ls"}).options, ElementsAre("--bogus"));
}

int run_with_stderr(const std::vector<std::string>& arguments, std::string& error) {
  testing::internal::CaptureStderr();
  int exit_code = run_command_line(arguments);
  error = testing::internal::GetCapturedStderr();
  return exit_code;
}

TEST(CommandLine, BadInputIsOneLineAnd125) {
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"bogus"},
      {"run", "--bogus"},
      {"run", "--memory", "1.5G", "true"},
      {"run", "--cpus", "0", "true"},
      {"run", "--cpus", "many", "true"},
      {"run", "--cpus", "nan", "true"},
      {"run", "--cpus", "0.001", "true"},
      {"run", "--cpus", "64.5", "true"},
      {"run", "-u", "root", "true"},
      {"run", "-u", "4294967295", "true"},
      {"run", "-u", "1:", "true"},
      {"run", "-e", "NOVALUE", "true"},
      {"run", "-e", "=x", "true"},
      {"run", "--hostname", std::string(65, 'h'), "true"},
      {"run", "-w", "relative", "true"},
      {"run", "--init", "/sbin/init", "true"},
      {"run", "--image"},
      {"debug"},
      {"debug", "ps", "-1"},
  };
  for (const auto& arguments : bad) {
    std::string error;
    std::string shown;
    for (const std::string& argument : arguments) shown += argument + ' ';
    EXPECT_EQ(run_with_stderr(arguments, error), 125) << shown;
    EXPECT_TRUE(error.starts_with("lodge: ")) << shown << error;
    EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << shown << error;
  }
}

}  // namespace
}  // namespace lodge
