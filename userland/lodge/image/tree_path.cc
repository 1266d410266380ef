// See tree_path.h.
#include "userland/lodge/image/tree_path.h"

namespace lodge {

std::optional<std::string> normalize_tree_path(std::string_view path) {
  std::string normal;
  if (path.find('\0') != std::string_view::npos) return std::nullopt;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name.empty() || name == ".") continue;
    if (name == "..") return std::nullopt;
    if (!normal.empty()) normal += '/';
    normal += name;
  }
  return normal;
}

}  // namespace lodge
