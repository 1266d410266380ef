// Taking /proc files apart.
#pragma once

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/util.h"

namespace guest {

inline std::string read_file(const std::string& path) {
  return read_file(path.c_str());
}

inline std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  size_t at = 0;
  while ((at = text.find_first_not_of(" \t\n", at)) != std::string::npos) {
    size_t end = text.find_first_of(" \t\n", at);
    all.push_back(text.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end;
  }
  return all;
}

inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

inline bool is_number(const std::string& text) {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  if (at == text.size()) return false;
  for (; at < text.size(); at++) {
    if (!isdigit(static_cast<unsigned char>(text[at]))) return false;
  }
  return true;
}

inline long number(const std::string& text) {
  return strtol(text.c_str(), nullptr, 10);
}

// Lines `name: value`, spaces around the value left out.
inline std::map<std::string, std::string> colon_table(const char* path) {
  std::map<std::string, std::string> table;
  for (const std::string& line : lines(read_file(path))) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    name.erase(name.find_last_not_of(" \t") + 1);
    size_t start = line.find_first_not_of(" \t", colon + 1);
    table[name] = start == std::string::npos ? "" : line.substr(start);
  }
  return table;
}

inline std::set<std::string> list_directory(const char* path) {
  std::set<std::string> names;
  DIR* dir = opendir(path);
  REQUIRE(dir != nullptr);
  while (dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') names.insert(entry->d_name);
  }
  closedir(dir);
  return names;
}

}  // namespace guest
