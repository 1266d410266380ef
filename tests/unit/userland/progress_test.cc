// The line that a progress bar draws.
#include "userland/lodge/image/progress.h"

#include <gtest/gtest.h>

namespace lodge {
namespace {

TEST(ProgressLine, ShowsBarAndPercent) {
  EXPECT_EQ(progress_line("x", 0, 10, 26), "x [>               ]   0%");
  EXPECT_EQ(progress_line("x", 5, 10, 26), "x [========>       ]  50%");
  EXPECT_EQ(progress_line("x", 10, 10, 26), "x [================] 100%");
}

TEST(ProgressLine, NeverGoesBeyondTheEnd) {
  EXPECT_EQ(progress_line("x", 11, 10, 26), progress_line("x", 10, 10, 26));
}

TEST(ProgressLine, FitsTheTerminal) {
  for (unsigned columns = 0; columns < 200; columns++) {
    EXPECT_LT(progress_line("a/long/name.img", 1, 3, columns).size(), std::max(columns, 1u));
  }
}

TEST(ProgressLine, WithoutATotalShowsBytes) {
  EXPECT_EQ(progress_line("x", 5 << 20, 0, 80), "x  5 MiB");
}

}  // namespace
}  // namespace lodge
