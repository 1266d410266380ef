// VmaTree against a sorted list: the same answers to every question after any sequence of changes.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <vector>

#include "kernel/mm/vma_tree.h"

namespace lodge {
namespace {

constexpr uint64_t kLow = 0x10000, kHigh = 0x400000;

class Model {
 public:
  std::map<uint64_t, Vma*> by_start;
  std::deque<Vma> storage;

  Vma* find(uint64_t addr) {
    for (auto& [start, v] : by_start)
      if (v->end > addr) return v;
    return nullptr;
  }

  uint64_t find_hole(uint64_t length, uint64_t align, uint64_t low, uint64_t high) {
    if (length > high) return 0;
    for (uint64_t at = (high - length) & ~(align - 1); at >= low && at > 0; at -= align) {
      bool free = true;
      for (auto& [start, v] : by_start) {
        // A guard gap is part of the hole below, but for what lies in it already.
        uint64_t from = v->start;
        if (v->has(kVmaGrowsDown))
          from = std::max(v->below ? v->below->end : 0, from - std::min(from, kStackGuardGap));
        if (at < v->end && at + length > from) free = false;
      }
      if (free) return at;
      if (at < align) break;
    }
    return 0;
  }
};

void check_structure(const VmaTree& tree, Model& model) {
  ASSERT_EQ(tree.size(), model.by_start.size());
  Vma* v = tree.first();
  Vma* prev = nullptr;
  for (auto& [start, expected] : model.by_start) {
    ASSERT_EQ(v, expected);
    ASSERT_EQ(v->start, start);
    ASSERT_EQ(v->below, prev);
    prev = v;
    v = v->above;
  }
  ASSERT_EQ(v, nullptr);
  ASSERT_EQ(tree.last(), prev);
}

class VmaTreeModel : public testing::TestWithParam<unsigned> {};

TEST_P(VmaTreeModel, RandomChanges) {
  std::mt19937 random(GetParam());
  auto page_in = [&](uint64_t low, uint64_t high) {
    return low + random() % ((high - low) / kPageSize) * kPageSize;
  };
  VmaTree tree;
  Model model;
  for (int step = 0; step < 1500; step++) {
    uint64_t start = page_in(kLow, kHigh), end = start + (1 + random() % 6) * kPageSize;
    unsigned action = random() % 20;
    if (action < 12) {
      if (tree.overlapping(start, end)) continue;
      Vma& v = model.storage.emplace_back();
      v.start = start;
      v.end = end;
      if (random() % 8 == 0) v.flags = kVmaGrowsDown;
      tree.insert(v);
      model.by_start[start] = &v;
    } else if (action < 19) {
      Vma* v = tree.find(start);
      if (!v) continue;
      tree.erase(*v);
      model.by_start.erase(v->start);
    } else if (Vma* v = tree.find(start)) {
      uint64_t low = v->below ? v->below->end : kLow, high = v->above ? v->above->start : kHigh;
      uint64_t to = page_in(v->start, high + kPageSize), from = page_in(low, v->end);
      if (from >= to) continue;
      model.by_start.erase(v->start);
      tree.set_range(*v, from, to);
      model.by_start[from] = v;
    }
    check_structure(tree, model);
    ASSERT_EQ(tree.find(start), model.find(start));
    uint64_t length = (1 + random() % 40) * kPageSize, align = kPageSize << random() % 5;
    uint64_t low = page_in(kLow, kHigh), high = page_in(low, kHigh + kPageSize);
    ASSERT_EQ(tree.find_hole(length, align, low, high), model.find_hole(length, align, low, high))
        << std::hex << length << " at " << align << " in " << low << "-" << high;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, VmaTreeModel, testing::Range(1u, 9u));

TEST(VmaTree, AtAndOverlapping) {
  VmaTree tree;
  Vma v;
  v.start = 0x20000;
  v.end = 0x30000;
  tree.insert(v);
  EXPECT_EQ(tree.at(0x1ffff), nullptr);
  EXPECT_EQ(tree.at(0x20000), &v);
  EXPECT_EQ(tree.at(0x2ffff), &v);
  EXPECT_EQ(tree.at(0x30000), nullptr);
  EXPECT_EQ(tree.overlapping(0x10000, 0x20000), nullptr);
  EXPECT_EQ(tree.overlapping(0x10000, 0x20001), &v);
  EXPECT_EQ(tree.overlapping(0x30000, 0x40000), nullptr);
}

TEST(VmaTree, NothingIsPlacedCloseBelowAStack) {
  VmaTree tree;
  Vma stack;
  stack.start = 0x1000000;
  stack.end = 0x1100000;
  stack.flags = kVmaGrowsDown;
  tree.insert(stack);
  EXPECT_EQ(tree.find_hole(kPageSize, kPageSize, kLow, stack.end), stack.start - kStackGuardGap - kPageSize);
}

}  // namespace
}  // namespace lodge
