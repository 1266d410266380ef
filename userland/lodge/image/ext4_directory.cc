// See ext4_directory.h. All of this is laid out for metadata_csum: a tail of 12 bytes ends each block of
// names, one of 8 bytes each block of the index.
#include "userland/lodge/image/ext4_directory.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/ext4_format.h"

namespace lodge {

namespace {

constexpr size_t kBlock = kImageBlockBytes;
constexpr size_t kNameBytes = kBlock - sizeof(ext2_dir_entry_tail);
constexpr size_t kDotBytes = 12;  // "." and ".." with their four bytes of name
constexpr size_t kRootEntries =
    2 * kDotBytes + sizeof(ext2_dx_root_info);  // offset of the root's first entry
constexpr size_t kNodeEntries = 8;              // of a node's, behind an empty dirent
constexpr size_t kRootLimit = (kBlock - kRootEntries - sizeof(ext2_dx_tail)) / sizeof(ext2_dx_entry);
constexpr size_t kNodeLimit = (kBlock - kNodeEntries - sizeof(ext2_dx_tail)) / sizeof(ext2_dx_entry);

size_t dirent_bytes(const DirectoryName& name) {
  return (8 + name.name.size() + 3) & ~size_t{3};
}

// Blocks of a directory in the making; a dirent's rec_len reaches up to the next one or the block's tail.
class Blocks {
 public:
  explicit Blocks(ext2_filsys fs) : fs_(fs) {}

  size_t count() const { return bytes_.size() / kBlock; }
  std::byte* at(size_t block) { return bytes_.data() + block * kBlock; }
  std::vector<std::byte> take() { return std::move(bytes_); }

  size_t add_index_block() {
    bytes_.resize(bytes_.size() + kBlock);
    return count() - 1;
  }

  void add_name_block() {
    std::byte* block = at(add_index_block());
    ext2fs_initialize_dirent_tail(fs_, EXT2_DIRENT_TAIL(block, kBlock));
    last_ = 0;
    used_ = 0;
    put(block, 0, {}, kNameBytes);  // an unused dirent over all of it
  }

  // Into the last block of names, or a new one when it does not fit.
  void add_name(const DirectoryName& name) {
    if (used_ + dirent_bytes(name) > kNameBytes) add_name_block();
    std::byte* block = at(count() - 1);
    if (used_ != 0) set_length(block, last_, used_ - last_);
    put(block, used_, name, kNameBytes - used_);
    last_ = used_;
    used_ += dirent_bytes(name);
  }

  static void put(std::byte* block, size_t offset, const DirectoryName& name, size_t length) {
    ext2_dir_entry_2 header{};
    header.inode = name.ino;
    header.rec_len = static_cast<uint16_t>(length);
    header.name_len = static_cast<uint8_t>(name.name.size());
    header.file_type = name.file_type;
    memcpy(block + offset, &header, 8);
    memcpy(block + offset + 8, name.name.data(), name.name.size());
  }

 private:
  static void set_length(std::byte* block, size_t offset, size_t length) {
    uint16_t rec_len = static_cast<uint16_t>(length);
    memcpy(block + offset + offsetof(ext2_dir_entry_2, rec_len), &rec_len, sizeof rec_len);
  }

  ext2_filsys fs_;
  std::vector<std::byte> bytes_;
  size_t last_ = 0;           // offset of the last dirent of the last block
  size_t used_ = kNameBytes;  // and where the next one goes
};

struct HashedName {
  ext2_dirhash_t hash;
  ext2_dirhash_t minor;
  const DirectoryName* name;
};

struct Leaf {
  ext2_dirhash_t hash;  // the smallest in it, with bit 0 set when the leaf before ends with the same
  size_t first;
  size_t end;
};

std::vector<HashedName> sorted_by_hash(ext2_filsys fs, const std::vector<DirectoryName>& names) {
  std::vector<HashedName> hashed;
  hashed.reserve(names.size());
  for (const DirectoryName& name : names) {
    HashedName one{0, 0, &name};
    check_ext4(ext2fs_dirhash2(fs->super->s_def_hash_version, name.name.data(), name.name.size(), nullptr, 0,
                               fs->super->s_hash_seed, &one.hash, &one.minor),
               "hash of a name");
    hashed.push_back(one);
  }
  std::sort(hashed.begin(), hashed.end(), [](const HashedName& a, const HashedName& b) {
    return std::tie(a.hash, a.minor) < std::tie(b.hash, b.minor);
  });
  return hashed;
}

std::vector<Leaf> split_into_leaves(const std::vector<HashedName>& names) {
  std::vector<Leaf> leaves;
  size_t used = kNameBytes;
  for (size_t i = 0; i < names.size(); i++) {
    size_t bytes = dirent_bytes(*names[i].name);
    if (used + bytes > kNameBytes) {
      ext2_dirhash_t continues = i > 0 && names[i].hash == names[i - 1].hash;
      leaves.push_back({names[i].hash | continues, i, i});
      used = 0;
    }
    leaves.back().end = i + 1;
    used += bytes;
  }
  return leaves;
}

// Entries of an index block: the first has no hash, limit and count stand in its place.
void put_index(std::byte* entries, size_t limit, const std::vector<ext2_dx_entry>& index) {
  memcpy(entries, index.data(), index.size() * sizeof(ext2_dx_entry));
  ext2_dx_countlimit head{static_cast<uint16_t>(limit), static_cast<uint16_t>(index.size())};
  memcpy(entries, &head, sizeof head);
}

void put_root_head(std::byte* block, ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent, uint8_t levels) {
  Blocks::put(block, 0, {".", self, EXT2_FT_DIR}, kDotBytes);
  Blocks::put(block, kDotBytes, {"..", parent, EXT2_FT_DIR}, kBlock - kDotBytes);
  ext2_dx_root_info info{0, fs->super->s_def_hash_version, sizeof(ext2_dx_root_info), levels, 0};
  memcpy(block + 2 * kDotBytes, &info, sizeof info);
}

// Root, then the nodes if one level is not enough, then the leaves in the order of their hashes.
std::vector<std::byte> build_indexed(ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent,
                                     const std::vector<DirectoryName>& names) {
  std::vector<HashedName> hashed = sorted_by_hash(fs, names);
  std::vector<Leaf> leaves = split_into_leaves(hashed);
  size_t nodes = leaves.size() <= kRootLimit ? 0 : (leaves.size() + kNodeLimit - 1) / kNodeLimit;
  if (nodes > kRootLimit) throw Failure("a directory has too many names for an index of two levels");

  Blocks blocks(fs);
  blocks.add_index_block();
  put_root_head(blocks.at(0), fs, self, parent, nodes == 0 ? 0 : 1);
  uint32_t first_leaf = static_cast<uint32_t>(1 + nodes);
  std::vector<ext2_dx_entry> index;
  for (size_t i = 0; i < leaves.size(); i++)
    index.push_back({leaves[i].hash, first_leaf + static_cast<uint32_t>(i)});
  if (nodes > 0) {
    std::vector<ext2_dx_entry> root;
    for (size_t from = 0; from < index.size(); from += kNodeLimit) {
      size_t to = std::min(index.size(), from + kNodeLimit);
      size_t node = blocks.add_index_block();
      Blocks::put(blocks.at(node), 0, {}, kBlock);
      put_index(blocks.at(node) + kNodeEntries, kNodeLimit, {index.begin() + from, index.begin() + to});
      root.push_back({index[from].hash, static_cast<uint32_t>(node)});
    }
    index = std::move(root);
  }
  put_index(blocks.at(0) + kRootEntries, kRootLimit, index);
  for (const Leaf& leaf : leaves) {
    blocks.add_name_block();
    for (size_t i = leaf.first; i < leaf.end; i++) blocks.add_name(*hashed[i].name);
  }
  return blocks.take();
}

}  // namespace

DirectoryBlocks build_directory(ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent,
                                const std::vector<DirectoryName>& names, size_t min_blocks) {
  Blocks blocks(fs);
  blocks.add_name_block();
  blocks.add_name({".", self, EXT2_FT_DIR});
  blocks.add_name({"..", parent, EXT2_FT_DIR});
  for (const DirectoryName& name : names) blocks.add_name(name);
  if (blocks.count() > 1) return {build_indexed(fs, self, parent, names), true};
  while (blocks.count() < min_blocks) blocks.add_name_block();
  return {blocks.take(), false};
}

}  // namespace lodge
