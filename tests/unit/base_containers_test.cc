// Vector, String, RbTree: behaviour against the standard containers, and what they do when memory is refused.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernel/base/arena.h"
#include "kernel/base/rbtree.h"
#include "kernel/base/string.h"
#include "kernel/base/vector.h"
#include "kernel/host/hosted/arena_scope.h"

namespace lodge {
namespace {

// ---- Vector

TEST(Vector, AgreesWithStdVector) {
  ArenaScope scope;
  {
    Vector<int> v;
    std::vector<int> model;
    std::mt19937 rng(3);
    for (int i = 0; i < 20000; i++) {
      switch (rng() % 6) {
        case 0:
        case 1:
          ASSERT_TRUE(v.push_back(i).ok());
          model.push_back(i);
          break;
        case 2: {
          size_t at = rng() % (model.size() + 1);
          ASSERT_TRUE(v.insert(at, i).ok());
          model.insert(model.begin() + static_cast<long>(at), i);
          break;
        }
        case 3:
          if (model.empty()) break;
          ASSERT_EQ(v.take_back(), model.back());
          model.pop_back();
          break;
        case 4: {
          if (model.empty()) break;
          size_t at = rng() % model.size();
          v.erase(at);
          model.erase(model.begin() + static_cast<long>(at));
          break;
        }
        case 5:
          if (rng() % 100 == 0) {
            size_t n = rng() % 300;
            ASSERT_TRUE(v.resize(n).ok());
            model.resize(n);
          }
      }
      ASSERT_EQ(v.size(), model.size());
    }
    EXPECT_TRUE(std::equal(v.begin(), v.end(), model.begin(), model.end()));
    Vector<int> copy = v.clone().take();
    EXPECT_TRUE(std::equal(copy.begin(), copy.end(), model.begin(), model.end()));
  }
  EXPECT_EQ(scope.active_objects(), 0u);
}

TEST(Vector, MovesAndDestroysElements) {
  ArenaScope scope;
  auto token = std::make_shared<int>(1);
  {
    Vector<std::shared_ptr<int>> v;
    for (int i = 0; i < 100; i++) ASSERT_TRUE(v.push_back(token).ok());
    EXPECT_EQ(token.use_count(), 101);
    v.erase(50);
    EXPECT_EQ(token.use_count(), 100);
    Vector<std::shared_ptr<int>> other = std::move(v);
    EXPECT_EQ(token.use_count(), 100);
    ASSERT_TRUE(other.emplace_back(other[0]).ok());  // out of itself, while it may grow
    EXPECT_EQ(token.use_count(), 101);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Vector, IsUnchangedWhenMemoryIsRefused) {
  ArenaScope scope;
  Vector<int> v;
  for (int i = 0; i < 4; i++) ASSERT_TRUE(v.push_back(i).ok());
  scope.arena().fail_nth(1);
  EXPECT_EQ(v.push_back(4).error(), Errno::ENOMEM);
  EXPECT_EQ(v.size(), 4u);
  EXPECT_EQ(v.back(), 3);
  EXPECT_TRUE(v.push_back(4).ok());
  EXPECT_EQ(v.reserve(Vector<int>::kMaxSize + 1).error(), Errno::ENOMEM);
}

TEST(VectorDeathTest, ChecksIndex) {
  ArenaScope scope;
  Vector<int> v;
  ASSERT_TRUE(v.resize(3).ok());
  EXPECT_DEATH((void)v[3], "assertion failed");
}

// ---- String

TEST(String, AppendsAndStaysTerminated) {
  ArenaScope scope;
  {
    String s;
    std::string model;
    EXPECT_STREQ(s.c_str(), "");
    for (int i = 0; i < 500; i++) {
      std::string piece(static_cast<size_t>(i % 7), static_cast<char>('a' + i % 26));
      ASSERT_TRUE(s.append(piece).ok());
      model += piece;
      ASSERT_EQ(s.view(), model);
      ASSERT_STREQ(s.c_str(), model.c_str());
    }
    ASSERT_TRUE(s.append(s.view()).ok());  // of itself
    EXPECT_EQ(s.view(), model + model);
    s.truncate(3);
    EXPECT_EQ(std::string(s.c_str()), model.substr(0, 3));
    ASSERT_TRUE(s.resize(40).ok());
    EXPECT_EQ(s.view(), model.substr(0, 3) + std::string(37, '\0'));
    String copy = s.clone().take();
    EXPECT_EQ(copy, s);
    ASSERT_TRUE(copy.assign("x").ok());
    EXPECT_EQ(copy, "x");
  }
  EXPECT_EQ(scope.active_objects(), 0u);
}

TEST(String, IsUnchangedWhenMemoryIsRefused) {
  ArenaScope scope;
  String s = String::copy("kept").take();
  scope.arena().fail_nth(1);
  EXPECT_EQ(s.append("0123456789abcdef").error(), Errno::ENOMEM);
  EXPECT_EQ(s, "kept");
}

TEST(StringView, Helpers) {
  EXPECT_EQ(substr("hello", 1, 3), "ell");
  EXPECT_EQ(substr("hello", 9), "");
  EXPECT_TRUE(has_prefix("/proc/1", "/proc"));
  EXPECT_FALSE(has_prefix("/pro", "/proc"));
  EXPECT_TRUE(has_suffix("a.out", ".out"));
  EXPECT_EQ(trim(" \ta b\n"), "a b");
  std::string_view rest = "a,b,,c";
  EXPECT_EQ(split_off(rest, ','), "a");
  EXPECT_EQ(split_off(rest, ','), "b");
  EXPECT_EQ(split_off(rest, ','), "");
  EXPECT_EQ(split_off(rest, ','), "c");
  EXPECT_TRUE(rest.empty());
}

TEST(StringView, Numbers) {
  EXPECT_EQ(parse_u64("0").value(), 0u);
  EXPECT_EQ(parse_u64("18446744073709551615").value(), ~0ull);
  EXPECT_EQ(parse_u64("18446744073709551616").error(), Errno::ERANGE);
  EXPECT_EQ(parse_u64("0xFf").value(), 255u);
  for (const char* bad : {"", "0x", "1 ", "-1", "a", "1f", "0xg"})
    EXPECT_EQ(parse_u64(bad).error(), Errno::EINVAL);
  EXPECT_EQ(parse_i64("-9223372036854775808").value(), INT64_MIN);
  EXPECT_EQ(parse_i64("9223372036854775808").error(), Errno::ERANGE);
  EXPECT_EQ(parse_i64("+7").value(), 7);
  EXPECT_EQ(parse_i64("--7").error(), Errno::EINVAL);
}

// ---- RbTree

struct ByKey : RbNode {};
struct Item : ByKey {
  int key = 0;
  int serial = 0;
  int weight = 0;
  int lightest = 0;  // of the subtree
};
struct ItemOrder {
  static bool less(const Item& a, const Item& b) { return a.key < b.key; }
  static void update(Item& i, const Item* left, const Item* right) {
    i.lightest = i.weight;
    if (left) i.lightest = std::min(i.lightest, left->lightest);
    if (right) i.lightest = std::min(i.lightest, right->lightest);
  }
};
using ItemTree = RbTree<Item, ItemOrder, ByKey>;

// Checks colours, links and augmentation of a subtree; returns its height in black nodes.
int check_subtree(const Item* i) {
  if (!i) return 0;
  Item *l = ItemTree::left(*i), *r = ItemTree::right(*i);
  bool red = i->state == RbNode::State::kRed;
  for (Item* c : {l, r}) {
    if (!c) continue;
    EXPECT_EQ(c->parent, i);
    EXPECT_FALSE(red && c->state == RbNode::State::kRed);
  }
  Item expected = *i;
  ItemOrder::update(expected, l, r);
  EXPECT_EQ(i->lightest, expected.lightest);
  int a = check_subtree(l), b = check_subtree(r);
  EXPECT_EQ(a, b);
  return a + (red ? 0 : 1);
}

TEST(RbTree, AgreesWithMultimap) {
  for (unsigned seed = 1; seed <= 20; seed++) {
    std::mt19937 rng(seed);
    std::vector<std::unique_ptr<Item>> owner;
    ItemTree tree;
    std::multimap<int, Item*> model;
    int range = seed % 2 ? 50 : 100000;
    for (int n = 0; n < 1500; n++) {
      bool grow = n < 700 ? rng() % 4 != 0 : rng() % 4 == 0;
      if (grow || model.empty()) {
        auto item = std::make_unique<Item>();
        item->key = static_cast<int>(rng() % static_cast<unsigned>(range));
        item->weight = static_cast<int>(rng() % 1000);
        item->serial = n;
        tree.insert(*item);
        model.emplace(item->key, item.get());
        owner.push_back(std::move(item));
      } else {
        auto it = model.begin();
        std::advance(it, rng() % model.size());
        if (rng() % 5 == 0) {
          it->second->weight = static_cast<int>(rng() % 1000);
          tree.changed(*it->second);
        } else {
          tree.erase(*it->second);
          ASSERT_FALSE(it->second->linked());
          model.erase(it);
        }
      }
      if (n % 16 == 0) {
        check_subtree(tree.root());
        ASSERT_TRUE(tree.empty() || tree.root()->state == RbNode::State::kBlack);
      }
      int key = static_cast<int>(rng() % static_cast<unsigned>(range));
      auto at = model.lower_bound(key);
      ASSERT_EQ(tree.lower_bound([&](const Item& i) { return i.key < key; }),
                at == model.end() ? nullptr : at->second);
    }
    auto it = model.begin();
    for (Item* i = tree.first(); i; i = ItemTree::next(*i), ++it) ASSERT_EQ(i, it->second);
    ASSERT_TRUE(it == model.end());
    auto back = model.rbegin();
    for (Item* i = tree.last(); i; i = ItemTree::previous(*i), ++back) ASSERT_EQ(i, back->second);
    while (Item* i = tree.first()) tree.erase(*i);
    EXPECT_TRUE(tree.empty());
  }
}

}  // namespace
}  // namespace lodge
