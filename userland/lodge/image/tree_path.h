// Paths inside an image. Pure functions; no locks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lodge {

// The path as TreeEntry wants it: "./a//b/" becomes "a/b", "/" and "." become "". Nothing when a ".." is in
// it or a zero byte, as it could then mean something outside the tree.
std::optional<std::string> normalize_tree_path(std::string_view path);

}  // namespace lodge
