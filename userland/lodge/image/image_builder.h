// Fills a fresh ext4 filesystem from a TreeSource: keeps the names, so that later entries may refer to
// earlier ones, and writes all directories at the end. No locks.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "userland/lodge/image/ext4_writer.h"
#include "userland/lodge/image/progress.h"
#include "userland/lodge/image/tree_source.h"

namespace lodge {

class ImageBuilder {
 public:
  explicit ImageBuilder(ext2_filsys fs);

  void add_all(TreeSource& source, Progress& progress);
  // To be called once, last: writes the directories, lost+found too.
  void finish();

 private:
  struct Node {
    ext2_ino_t ino = 0;
    uint8_t file_type = EXT2_FT_UNKNOWN;
    // The rest is for directories only.
    Node* parent = nullptr;
    TreeEntry entry;
    std::map<std::string, Node, std::less<>>* names = nullptr;
  };
  using Names = std::map<std::string, Node, std::less<>>;

  void add(const TreeEntry& entry, TreeSource& source);
  void add_directory(Node& node, const TreeEntry& entry);
  void make_directory(Node& node, Node& parent, const TreeEntry& entry);
  Node& parent_of(const std::string& path);
  Node* find(const std::string& path);

  Ext4Writer writer_;
  std::deque<Names> all_names_;    // owner of the directories' names; never shrinks
  std::deque<Node*> directories_;  // in the order they came
  Node root_;
};

}  // namespace lodge
