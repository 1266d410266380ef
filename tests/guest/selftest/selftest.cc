// The harness's own test: cases that must be found failing, each in another way. CTest wants the exact last
// line.
#include "harness/util.h"

using namespace guest;

TEST(passes) {
  CHECK_EQ(6 * 7, 42);
  OK(getpid);
}

TEST(fails_a_check) {
  CHECK_EQ(6 * 7, 54);
}

TEST(wants_another_errno) {
  FAILS(ENOENT, close, kNoFd);
}

TEST(wants_failure_but_succeeds) {
  FAILS(EPERM, getpid);
}

TEST(fails_in_a_grandchild) {
  in_child([] { in_child([] { CHECK(false); }); });
}

TEST(crashes) {
  raise(SIGSEGV);
}

TEST_LIMIT(hangs, 1) {
  for (;;) pause();
}

TEST(exits_early) {
  _exit(3);
}

TEST(is_skipped) {
  skip("to see that it is");
}
