// Extended attributes as they lie in an inode's body or in a block of their own: sorted or unsorted entries,
// a zero word behind the last, values growing towards them from the other end. Works on bytes alone.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/result.h"
#include "vfs/ext4/layout.h"

namespace lodge::ext4 {

struct XattrEntry {
  uint8_t index = 0;
  std::string_view name;  // behind the prefix that the index stands for
  uint32_t size = 0;
  std::span<const uint8_t> value;  // empty if the value is in an inode of its own
  uint32_t value_ino = 0;
};

// Where entries begin, and the bytes that values' offsets count from.
struct XattrRegion {
  std::span<const uint8_t> bytes;
  size_t first_entry = 0;
};

class XattrEntries {
 public:
  explicit XattrEntries(XattrRegion r) : region_(r), at_(r.first_entry) {}
  // False at the end; EUCLEAN for an entry or a value that reaches outside.
  Result<bool> next(XattrEntry& out);

 private:
  XattrRegion region_;
  size_t at_;
};

// The attributes in an inode's body, `body` being what follows extra_isize; nothing if there are none.
std::optional<XattrRegion> xattrs_in_body(std::span<const uint8_t> body);
// Those in a block; EUCLEAN if it is none.
Result<XattrRegion> xattrs_in_block(std::span<const uint8_t, kBlockSize> block);
bool xattr_block_checksum_ok(std::span<const uint8_t, kBlockSize> block, uint32_t fs_seed, BlockNo at);

// "user." and its like; empty for an index that is not shown.
std::string_view xattr_prefix(uint8_t index);
// Splits "user.x" into its index and "x". Nothing if no index has that prefix.
struct XattrName {
  uint8_t index;
  std::string_view suffix;
};
std::optional<XattrName> parse_xattr_name(std::string_view full);

// POSIX ACLs stand on disk in a form of their own; user space sees that of <linux/posix_acl_xattr.h>. Writes
// it to `out` if that is not empty, and gives its size. EUCLEAN: no ACL. ERANGE: `out` is too small.
Result<size_t> acl_to_xattr(std::span<const uint8_t> disk, std::span<char> out);

}  // namespace lodge::ext4
