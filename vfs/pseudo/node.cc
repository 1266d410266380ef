#include "vfs/pseudo/node.h"

#include "kernel/base/arena.h"
#include "kernel/base/layout.h"
#include "vfs/core/qname.h"

namespace lodge {
namespace {

constexpr uint64_t kFirstEntry = 2;  // after "." and ".."
constexpr unsigned kInstanceBits = 12;

class NodeText final : public TextInode {
 public:
  NodeText(Superblock& sb, uint64_t ino, const PseudoNode& node, uint32_t index, Owner owner)
      : TextInode(sb, ino, node.mode, owner), node_(node), index_(index) {}
  Result<void> show(Formatter& out) override {
    if (node_.text)
      out.put(node_.text);
    else if (node_.show)
      node_.show(out, index_);
    return {};
  }
  Result<void> store(std::string_view text) override { return node_.store ? node_.store(text) : Errno::EIO; }

 private:
  const PseudoNode& node_;
  const uint32_t index_;
};

class NodeLink final : public PseudoInode {
 public:
  NodeLink(Superblock& sb, uint64_t ino, const PseudoNode& node, uint32_t index, Owner owner)
      : PseudoInode(sb, ino, node.mode, owner), node_(node), index_(index) {}
  Result<String> read_link() override {
    if (node_.text) return String::copy(node_.text);
    String target;
    Formatter out(target);
    node_.show(out, index_);
    if (out.truncated()) return Errno::ENOMEM;
    return target;
  }

 private:
  const PseudoNode& node_;
  const uint32_t index_;
};

}  // namespace

Result<Ref<Inode>> make_pseudo_inode(Superblock& sb, uint64_t dir_ino, std::string_view name,
                                     const PseudoNode& node, uint32_t index, Inode::Owner owner) {
  uint64_t ino = pseudo_ino(dir_ino, name);
  switch (node.mode & abi::kTypeMask) {
    case abi::kTypeDir:
      return Ref<Inode>(TRY(make<PseudoDir>(sb, ino, dir_ino, node, index, owner)));
    case abi::kTypeSymlink:
      return Ref<Inode>(TRY(make<NodeLink>(sb, ino, node, index, owner)));
    default:
      return Ref<Inode>(TRY(make<NodeText>(sb, ino, node, index, owner)));
  }
}

PseudoDir::PseudoDir(Superblock& sb, uint64_t ino, uint64_t parent_ino, const PseudoNode& node,
                     uint32_t index, Owner owner)
    : PseudoInode(sb, ino, node.mode, owner), node_(node), parent_ino_(parent_ino), index_(index) {}

uint32_t PseudoDir::link_count() {
  uint32_t n = 2;
  for (const PseudoNode& c : node_.entries())
    if ((c.mode & abi::kTypeMask) == abi::kTypeDir) n += c.each ? c.each() : 1;
  return n;
}

Result<Ref<Inode>> PseudoDir::lookup(std::string_view name) {
  for (const PseudoNode& c : node_.entries()) {
    uint32_t index = index_;
    if (c.each) {
      std::string_view stem(c.name);
      if (!has_prefix(name, stem)) continue;
      int32_t n = name_as_number(substr(name, stem.size()));
      if (n < 0 || static_cast<uint32_t>(n) >= c.each()) continue;
      index = static_cast<uint32_t>(n);
    } else if (name != c.name) {
      continue;
    }
    return make_pseudo_inode(sb(), ino(), name, c, index, owner());
  }
  return Errno::ENOENT;
}

// Positions: an entry's place in the table, and which one of several it is.
bool PseudoDir::read_table(uint64_t offset, DirSink& sink) {
  if (offset == 0 && !sink.add(".", ino(), abi::dt_type(abi::kTypeDir), 1)) return false;
  if (offset <= 1 && !sink.add("..", parent_ino_, abi::dt_type(abi::kTypeDir), kFirstEntry)) return false;
  uint64_t from = offset <= kFirstEntry ? 0 : offset - kFirstEntry;
  for (size_t i = from >> kInstanceBits; i < node_.entries().size(); i++) {
    const PseudoNode& c = node_.entries()[i];
    uint64_t first = i == from >> kInstanceBits ? from & ((1u << kInstanceBits) - 1) : 0;
    uint64_t count = c.each ? c.each() : 1;
    for (uint64_t k = first; k < count; k++) {
      char text[kNameMax];
      Formatter name(text);
      name.put(c.name);
      if (c.each) name.put(k);
      uint64_t here = (uint64_t{i} << kInstanceBits) + k;
      uint64_t next = k + 1 < count ? here + 1 : (uint64_t{i} + 1) << kInstanceBits;
      if (!sink.add(name.view(), pseudo_ino(ino(), name.view()), abi::dt_type(c.mode), next + kFirstEntry))
        return false;
    }
  }
  return true;
}

Result<void> PseudoDir::read_dir(uint64_t offset, DirSink& sink) {
  read_table(offset, sink);
  return {};
}

PseudoSuperblock::PseudoSuperblock(const char* type, uint64_t magic_number, uint64_t device) : type_(type) {
  magic = magic_number;
  dev = device;
}

Result<void> PseudoSuperblock::stat_fs(abi::Statfs& out) {
  out.type = static_cast<int64_t>(magic);
  out.bsize = out.frsize = kPageSize;
  out.namelen = kNameMax;
  return {};
}

}  // namespace lodge
