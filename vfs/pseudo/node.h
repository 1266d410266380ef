// Trees of generated files that are written down as tables: /sys, and the parts of /proc that are not about
// processes.
//
//   constexpr PseudoNode kVm[] = {
//       pseudo_text("swappiness", "60\n"),
//       pseudo_file("max_map_count", show_max_map_count),
//   };
//   constexpr PseudoNode kSys[] = {pseudo_dir("vm", kVm)};
//
// A directory with `each` stands for several, its name followed by 0, 1 …; what is below one of them is shown
// with that number as `index`. Tables live as long as the kernel. Locks: show and store are called with none
// held but the reading file's (text_file.h); they may sleep.
#pragma once
#include <span>

#include "vfs/pseudo/inode.h"

namespace lodge {

struct PseudoNode {
  using Show = void (*)(Formatter& out, uint32_t index);
  using Store = Result<void> (*)(std::string_view text);
  const char* name;
  uint32_t mode;               // type and permission bits
  const char* text = nullptr;  // what never changes: contents, or a link's target
  Show show = nullptr;         // what does
  Store store = nullptr;
  std::span<const PseudoNode> children = {};
  uint32_t (*each)() = nullptr;
  const PseudoNode* tree = nullptr;  // whose children these are: a table of another file
  constexpr std::span<const PseudoNode> entries() const { return tree ? tree->children : children; }
};

constexpr PseudoNode pseudo_text(const char* name, const char* text, uint32_t permissions = 0444) {
  return {.name = name, .mode = abi::kTypeRegular | permissions, .text = text};
}
constexpr PseudoNode pseudo_file(const char* name, PseudoNode::Show show, uint32_t permissions = 0444) {
  return {.name = name, .mode = abi::kTypeRegular | permissions, .show = show};
}
constexpr PseudoNode pseudo_setting(const char* name, PseudoNode::Show show, PseudoNode::Store store) {
  return {.name = name, .mode = abi::kTypeRegular | 0644, .show = show, .store = store};
}
constexpr PseudoNode pseudo_link(const char* name, const char* target) {
  return {.name = name, .mode = abi::kTypeSymlink | 0777, .text = target};
}
constexpr PseudoNode pseudo_moving_link(const char* name, PseudoNode::Show show) {
  return {.name = name, .mode = abi::kTypeSymlink | 0777, .show = show};
}
constexpr PseudoNode pseudo_dir(const char* name, std::span<const PseudoNode> children) {
  return {.name = name, .mode = abi::kTypeDir | 0555, .children = children};
}
constexpr PseudoNode pseudo_tree(const char* name, const PseudoNode& tree) {
  return {.name = name, .mode = abi::kTypeDir | 0555, .tree = &tree};
}
constexpr PseudoNode pseudo_dirs(const char* name, std::span<const PseudoNode> children, uint32_t (*each)()) {
  return {.name = name, .mode = abi::kTypeDir | 0555, .children = children, .each = each};
}

// A directory of such a table.
class PseudoDir : public PseudoInode {
 public:
  PseudoDir(Superblock& sb, uint64_t ino, uint64_t parent_ino, const PseudoNode& node, uint32_t index,
            Owner owner);
  Result<Ref<Inode>> lookup(std::string_view name) override;
  Result<Ref<Inode>> create(std::string_view, const NewInode&) override { return Errno::EPERM; }
  Result<void> read_dir(uint64_t offset, DirSink& sink) override;

 protected:
  uint32_t link_count() override;
  // Whether an offset of read_dir lies behind the table's entries; where those of a derived class may begin.
  static constexpr uint64_t kTableEnd = uint64_t{1} << 32;
  // False: the sink is full.
  bool read_table(uint64_t offset, DirSink& sink);

 private:
  const PseudoNode& node_;
  const uint64_t parent_ino_;
  const uint32_t index_;
};

// The inode of a node in the directory `dir_ino`.
Result<Ref<Inode>> make_pseudo_inode(Superblock& sb, uint64_t dir_ino, std::string_view name,
                                     const PseudoNode& node, uint32_t index, Inode::Owner owner);

// A file system that is one table.
class PseudoSuperblock : public Superblock {
 public:
  PseudoSuperblock(const char* type, uint64_t magic_number, uint64_t device);
  const char* type_name() const override { return type_; }
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  Result<void> stat_fs(abi::Statfs& out) override;
  Result<void> remount(std::string_view) override { return {}; }
  void set_root(Ref<Inode> root) { root_ = std::move(root); }
  static constexpr uint64_t kRootIno = 1;

 private:
  const char* type_;
  RefPtr<Inode> root_;
};

}  // namespace lodge
