// Paths that come out of archives.
#include "userland/lodge/image/tree_path.h"

#include <gtest/gtest.h>

namespace lodge {
namespace {

TEST(NormalizeTreePath, StripsWhatDoesNotCount) {
  EXPECT_EQ(normalize_tree_path("./a//b/./c/"), "a/b/c");
  EXPECT_EQ(normalize_tree_path("/usr/bin"), "usr/bin");
  EXPECT_EQ(normalize_tree_path("..."), "...");
  EXPECT_EQ(normalize_tree_path("./"), "");
  EXPECT_EQ(normalize_tree_path("/"), "");
  EXPECT_EQ(normalize_tree_path(""), "");
}

TEST(NormalizeTreePath, RefusesWhatLeavesTheTree) {
  EXPECT_FALSE(normalize_tree_path(".."));
  EXPECT_FALSE(normalize_tree_path("a/../b"));
  EXPECT_FALSE(normalize_tree_path("a/.."));
  EXPECT_FALSE(normalize_tree_path(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace lodge
