// The BPF assembler: jumps beyond the reach of 8 bits, neighbours that are none, and a span that is too
// small.
#include <gtest/gtest.h>

#include <vector>

#include "kernel/host/wall/bpf_asm.h"
#include "tests/unit/wall_bpf.h"

namespace lodge::test {
namespace {

using Label = BpfAssembler::Label;

uint32_t run(const std::vector<sock_filter>& space, int length, int nr) {
  seccomp_data data = {};
  data.nr = nr;
  return bpf_run(std::span(space).first(length), data);
}

// A chain of `links` comparisons over a block of `gap` instructions that only number 7 reaches; every link's
// "yes" and the chain's end lie behind the block.
int chain_over(std::vector<sock_filter>& space, int gap, int links) {
  BpfAssembler as(space);
  const Label hit = as.ret(1), miss = as.ret(2);
  // Not a bare return: one that must be jumped to, not copied.
  const Label far_hit = as.load(0, as.jeq(0xffffffff, miss, hit));
  Label block = as.ret(3);
  for (int i = 0; i < gap; i++) block = as.and_constant(0xffffffff, block);
  Label next = as.jeq(7, block, miss);
  for (int i = 0; i < links; i++) next = as.jeq(100 + i, far_hit, next);
  return as.finish(as.load(0, next));
}

TEST(WallAsm, JumpsOfEveryLength) {
  for (int gap = 0; gap < 600; gap++) {
    std::vector<sock_filter> space(2000);
    const int length = chain_over(space, gap, 20);
    ASSERT_GT(length, 0);
    ASSERT_EQ(bpf_complaint(std::span(space).first(length)), "") << gap;
    ASSERT_EQ(run(space, length, 7), 3u) << gap;
    ASSERT_EQ(run(space, length, 8), 2u) << gap;
    for (int i = 0; i < 20; i++) ASSERT_EQ(run(space, length, 100 + i), 1u) << gap << " " << i;
  }
}

TEST(WallAsm, BothArmsOutOfReach) {
  for (int gap = 245; gap < 265; gap++) {
    std::vector<sock_filter> space(600);
    BpfAssembler as(space);
    const Label miss = as.ret(2), hit = as.load(4, as.ret(1)), other = as.load(4, miss);
    Label block = as.ret(3);
    for (int i = 0; i < gap; i++) block = as.and_constant(0xffffffff, block);
    const int length = as.finish(as.load(0, as.jgt(50, as.jset(1, hit, other), block)));
    ASSERT_GT(length, 0);
    ASSERT_EQ(bpf_complaint(std::span(space).first(length)), "") << gap;
    EXPECT_EQ(run(space, length, 51), 1u);
    EXPECT_EQ(run(space, length, 52), 2u);
    EXPECT_EQ(run(space, length, 50), 3u);
  }
}

TEST(WallAsm, NearJumpsCostNothing) {
  std::vector<sock_filter> space(16);
  BpfAssembler as(space);
  const Label yes = as.ret(1), no = as.ret(2);
  const int length = as.finish(as.load(0, as.jeq(7, yes, no)));
  ASSERT_EQ(length, 4);
  EXPECT_EQ(run(space, length, 7), 1u);
  EXPECT_EQ(run(space, length, 8), 2u);
}

TEST(WallAsm, StraightCodeReachesWhatIsNoNeighbour) {
  std::vector<sock_filter> space(16);
  BpfAssembler as(space);
  const Label yes = as.ret(1);
  const Label test = as.jeq(7, yes, as.ret(2));
  as.ret(3);
  int length = as.finish(as.load(0, test));
  ASSERT_EQ(bpf_complaint(std::span(space).first(length)), "");
  EXPECT_EQ(run(space, length, 7), 1u);
  EXPECT_EQ(run(space, length, 6), 2u);

  BpfAssembler entry_is_not_first(space);
  const Label entry = entry_is_not_first.load(0, entry_is_not_first.ret(5));
  entry_is_not_first.ret(6);
  length = entry_is_not_first.finish(entry);
  ASSERT_EQ(length, 4);
  EXPECT_EQ(run(space, length, 0), 5u);
}

TEST(WallAsm, ASpanTooSmallIsSaidAndNotOverrun) {
  std::vector<sock_filter> space(2000);
  const int length = chain_over(space, 300, 20);
  ASSERT_GT(length, 0);
  for (int size = 0; size <= length; size++) {
    std::vector<sock_filter> exact(size);  // ASan watches its ends
    const int got = chain_over(exact, 300, 20);
    if (size < length) {
      ASSERT_EQ(got, -1) << size;
    } else {
      ASSERT_EQ(got, length);
      ASSERT_EQ(run(exact, got, 119), 1u);
    }
  }
}

}  // namespace
}  // namespace lodge::test
