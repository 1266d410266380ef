// See image_builder.h.
#include "userland/lodge/image/image_builder.h"

#include <sys/stat.h>

#include <ctime>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/ext4_format.h"

namespace lodge {

namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr const char* kLostFound = "lost+found";
constexpr size_t kLostFoundBlocks = 4;  // 16 KiB, as mke2fs gives it

// What a directory gets that the source never names.
TreeEntry plain_directory(std::string path, uint32_t permissions) {
  TreeEntry entry;
  entry.path = std::move(path);
  entry.mode = S_IFDIR | permissions;
  entry.atime = entry.mtime = entry.ctime = {time(nullptr), 0};
  return entry;
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

ImageBuilder::ImageBuilder(ext2_filsys fs) : writer_(fs) {
  root_.ino = EXT2_ROOT_INO;
  make_directory(root_, root_, plain_directory("", 0755));
  TreeEntry lost_found = plain_directory(kLostFound, 0700);
  add_directory((*root_.names)[kLostFound], lost_found);
}

void ImageBuilder::add_all(TreeSource& source, Progress& progress) {
  TreeEntry entry;
  while (source.next(entry)) {
    add(entry, source);
    progress.update(source.progress_done(), source.progress_total());
  }
}

void ImageBuilder::add(const TreeEntry& entry, TreeSource& source) {
  if (entry.path.empty()) {
    if (!S_ISDIR(entry.mode)) throw Failure("the root of the tree is not a directory");
    root_.entry = entry;
    return;
  }
  std::string_view name = last_name(entry.path);
  if (name.size() > kMaxNameBytes) throw Failure(entry.path + ": the name is longer than 255 bytes");
  // The target comes first: it may be this very name, and making room for that would lose the file.
  Node target;
  if (entry.hard_link_to) {
    Node* found = find(*entry.hard_link_to);
    if (found == nullptr || found->file_type == EXT2_FT_DIR) {
      throw Failure(entry.path + ": hard link to " + *entry.hard_link_to + ", which is no file of the tree");
    }
    target = *found;
    writer_.add_link(target.ino, entry.path);
  }
  Node& node = (*parent_of(entry.path).names)[std::string(name)];
  bool is_directory = !entry.hard_link_to && S_ISDIR(entry.mode);
  if (node.ino != 0 && node.file_type == EXT2_FT_DIR && !is_directory) {
    throw Failure(entry.path + ": comes as a directory and again as something else");
  }
  if (node.ino != 0 && node.file_type != EXT2_FT_DIR) {
    writer_.drop_link(node.ino, entry.path);
    node = Node{};
  }
  if (entry.hard_link_to) {
    node = target;
  } else if (is_directory) {
    add_directory(node, entry);
  } else {
    node.ino = writer_.add_file(entry, source);
    node.file_type = ext4_file_type(entry.mode);
  }
}

void ImageBuilder::add_directory(Node& node, const TreeEntry& entry) {
  if (node.ino != 0) {  // met before, by itself or as somebody's parent
    node.entry = entry;
    return;
  }
  node.ino = writer_.allocate_directory();
  make_directory(node, parent_of(entry.path), entry);
}

void ImageBuilder::make_directory(Node& node, Node& parent, const TreeEntry& entry) {
  node.file_type = EXT2_FT_DIR;
  node.parent = &parent;
  node.entry = entry;
  node.names = &all_names_.emplace_back();
  directories_.push_back(&node);
}

// The directory that a path's last name stands in; those that the source left out are made on the way.
ImageBuilder::Node& ImageBuilder::parent_of(const std::string& path) {
  Node* node = &root_;
  for (size_t at = 0, slash; (slash = path.find('/', at)) != std::string::npos; at = slash + 1) {
    std::string name = path.substr(at, slash - at);
    if (name.size() > kMaxNameBytes) throw Failure(path + ": a name is longer than 255 bytes");
    Node& next = (*node->names)[name];
    if (next.ino == 0) {
      next.ino = writer_.allocate_directory();
      make_directory(next, *node, plain_directory(path.substr(0, slash), 0755));
    }
    if (next.file_type != EXT2_FT_DIR) throw Failure(path + ": a parent is not a directory");
    node = &next;
  }
  return *node;
}

ImageBuilder::Node* ImageBuilder::find(const std::string& path) {
  Node* node = &root_;
  for (size_t at = 0; at < path.size();) {
    size_t slash = std::min(path.find('/', at), path.size());
    if (node->file_type != EXT2_FT_DIR) return nullptr;
    auto found = node->names->find(std::string_view(path).substr(at, slash - at));
    if (found == node->names->end()) return nullptr;
    node = &found->second;
    at = slash + 1;
  }
  return node;
}

void ImageBuilder::finish() {
  for (Node* directory : directories_) {
    std::vector<DirectoryName> names;
    for (const auto& [name, node] : *directory->names) names.push_back({name, node.ino, node.file_type});
    size_t min_blocks = directory->entry.path == kLostFound ? kLostFoundBlocks : 1;
    writer_.write_directory(directory->ino, directory->parent->ino, directory->entry, names, min_blocks);
  }
}

}  // namespace lodge
