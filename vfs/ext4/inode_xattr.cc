// Extended attributes of an inode: those in its body, then those in its block. Values may lie in inodes of
// their own.
#include <cstring>

#include "kernel/base/crc32c.h"
#include "vfs/ext4/inode.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {
namespace {

constexpr uint32_t kMaxValue = 65536;  // XATTR_SIZE_MAX

bool is_acl(uint8_t index) {
  return index == kXattrAclAccess || index == kXattrAclDefault;
}

// Not for users: an unknown index, and the attribute that holds inline data.
bool is_hidden(const XattrEntry& e) {
  return xattr_prefix(e.index).empty() || (e.index == kXattrSystem && e.name == "data");
}

}  // namespace

// visit(XattrRegion) -> Result<bool>, true: found, look no further. The regions are there only during the
// call.
template <typename Visit>
Result<void> Ext4Inode::for_each_xattr_region(Visit visit) {
  if (has_body_xattrs_) {
    RawInode raw = TRY(volume().read_inode(static_cast<uint32_t>(ino())));
    if (auto region = xattrs_in_body(raw.bytes().subspan(raw.extra_end())))
      if (TRY(visit(*region))) return {};
  }
  if (xattr_block_ == 0) return {};
  BufferRef block = TRY(volume().buffers().get(xattr_block_));
  const Geometry& geo = volume().geometry();
  BufferCheck check{BufferKind::kXattrBlock,
                    geo.checksum_seed};  // blocks are shared by inodes of equal attributes
  if (!block.checked_as(check)) {
    if (geo.has_checksums() && !xattr_block_checksum_ok(block.bytes(), geo.checksum_seed, xattr_block_))
      return Errno::EUCLEAN;
    block.set_checked_as(check);
  }
  TRY(visit(TRY(xattrs_in_block(block.bytes()))));
  return {};
}

Result<size_t> Ext4Inode::get_xattr(std::string_view name, std::span<char> out) {
  auto wanted = parse_xattr_name(name);
  if (!wanted) return Errno::EOPNOTSUPP;
  Result<size_t> result = Errno::ENODATA;
  TRY(for_each_xattr_region([&](XattrRegion region) -> Result<bool> {
    XattrEntries entries(region);
    XattrEntry e;
    while (TRY(entries.next(e))) {
      if (e.index != wanted->index || e.name != wanted->suffix || is_hidden(e)) continue;
      result = read_xattr_value(e, out);
      return true;
    }
    return false;
  }));
  return result;
}

Result<size_t> Ext4Inode::read_xattr_value(const XattrEntry& entry, std::span<char> out) {
  if (entry.size > kMaxValue) return Errno::EUCLEAN;
  if (is_acl(entry.index)) {
    if (entry.value_ino != 0) return Errno::EUCLEAN;
    return acl_to_xattr(entry.value, out);
  }
  if (out.empty()) return size_t{entry.size};
  if (out.size() < entry.size) return Errno::ERANGE;
  if (entry.value_ino == 0) {
    if (!entry.value.empty()) std::memcpy(out.data(), entry.value.data(), entry.value.size());
    return entry.value.size();
  }
  if (entry.value_ino == ino()) return Errno::EUCLEAN;
  Ref<Ext4Inode> holder = TRY(fs().inodes().get(entry.value_ino));
  if (!holder->is_attribute_value() || holder->size() != entry.size) return Errno::EUCLEAN;
  std::span<char> value = out.first(entry.size);
  TRY(holder->read_through_cache(value));
  // Such an inode has no use for times; the value's hash stands in one of them.
  const Geometry& geo = volume().geometry();
  auto hash = static_cast<uint32_t>(holder->attr_.atime.sec);
  if (geo.has_checksums() && crc32c(geo.checksum_seed, value.data(), value.size()) != hash)
    return Errno::EUCLEAN;
  return size_t{entry.size};
}

Result<size_t> Ext4Inode::list_xattr(std::span<char> out) {
  size_t total = 0;
  bool fits = true;
  auto put = [&](std::string_view s) {
    fits = fits && out.size() - total >= s.size();
    if (fits) std::memcpy(out.data() + total, s.data(), s.size());
    total += s.size();
  };
  TRY(for_each_xattr_region([&](XattrRegion region) -> Result<bool> {
    XattrEntries entries(region);
    XattrEntry e;
    while (TRY(entries.next(e))) {
      if (is_hidden(e)) continue;
      put(xattr_prefix(e.index));
      if (!is_acl(e.index)) put(e.name);
      put(std::string_view("\0", 1));
    }
    return false;
  }));
  if (!fits && !out.empty()) return Errno::ERANGE;
  return total;
}

}  // namespace lodge::ext4
