#include "vfs/ext4/xattr.h"

#include <cstring>

#include "kernel/base/crc32c.h"
#include "kernel/base/string.h"

namespace lodge::ext4 {
namespace {

template <typename T>
T load(std::span<const uint8_t> bytes, size_t at) {
  T v;
  std::memcpy(&v, bytes.data() + at, sizeof v);
  return v;
}

struct Prefix {
  uint8_t index;
  std::string_view text;
  bool whole;  // the prefix is the full name, with nothing behind it
};
constexpr Prefix kPrefixes[] = {
    {kXattrAclAccess, "system.posix_acl_access", true},
    {kXattrAclDefault, "system.posix_acl_default", true},
    {kXattrUser, "user.", false},
    {kXattrTrusted, "trusted.", false},
    {kXattrSecurity, "security.", false},
    {kXattrSystem, "system.", false},
};

}  // namespace

Result<bool> XattrEntries::next(XattrEntry& out) {
  std::span<const uint8_t> bytes = region_.bytes;
  if (at_ + sizeof(uint32_t) > bytes.size()) return Errno::EUCLEAN;  // no end mark
  if (load<uint32_t>(bytes, at_) == 0) return false;
  if (at_ + sizeof(XattrEntryDisk) > bytes.size()) return Errno::EUCLEAN;
  auto e = load<XattrEntryDisk>(bytes, at_);
  size_t name_at = at_ + sizeof e;
  if (name_at + e.name_len > bytes.size()) return Errno::EUCLEAN;
  out.index = e.name_index;
  out.name = {reinterpret_cast<const char*>(bytes.data()) + name_at, e.name_len};
  out.size = e.value_size;
  out.value_ino = e.value_inum;
  out.value = {};
  if (e.value_inum == 0 && e.value_size != 0) {
    if (e.value_offset > bytes.size() || e.value_size > bytes.size() - e.value_offset) return Errno::EUCLEAN;
    out.value = bytes.subspan(e.value_offset, e.value_size);
  }
  at_ = name_at + ((e.name_len + 3u) & ~3u);
  return true;
}

std::optional<XattrRegion> xattrs_in_body(std::span<const uint8_t> body) {
  constexpr size_t kHead = sizeof(uint32_t);
  if (body.size() < 2 * kHead || load<uint32_t>(body, 0) != kXattrMagic) return {};
  return XattrRegion{body.subspan(kHead), 0};
}

Result<XattrRegion> xattrs_in_block(std::span<const uint8_t, kBlockSize> block) {
  auto h = load<XattrBlockHeader>(block, 0);
  if (h.magic != kXattrMagic || h.blocks != 1) return Errno::EUCLEAN;
  return XattrRegion{block, sizeof h};
}

bool xattr_block_checksum_ok(std::span<const uint8_t, kBlockSize> block, uint32_t fs_seed, BlockNo at) {
  constexpr size_t kAt = offsetof(XattrBlockHeader, checksum), kAfter = kAt + sizeof(uint32_t);
  uint32_t crc = crc32c_value(fs_seed, at);
  crc = crc32c(crc, block.data(), kAt);
  crc = crc32c_value(crc, uint32_t{0});
  return crc32c(crc, block.data() + kAfter, kBlockSize - kAfter) == load<uint32_t>(block, kAt);
}

std::string_view xattr_prefix(uint8_t index) {
  for (const Prefix& p : kPrefixes)
    if (p.index == index) return p.text;
  return {};
}

std::optional<XattrName> parse_xattr_name(std::string_view full) {
  for (const Prefix& p : kPrefixes) {
    if (!full.starts_with(p.text)) continue;
    std::string_view suffix = substr(full, p.text.size());
    if (suffix.empty() == p.whole) return XattrName{p.index, suffix};
  }
  return {};
}

Result<size_t> acl_to_xattr(std::span<const uint8_t> disk, std::span<char> out) {
  constexpr uint32_t kDiskVersion = 1, kXattrVersion = 2, kNoId = UINT32_MAX;
  enum : uint16_t { kUserObj = 1, kUser = 2, kGroupObj = 4, kGroup = 8, kMask = 16, kOther = 32 };
  struct Entry {
    uint16_t tag, perm;
    uint32_t id;
  };
  constexpr size_t kHead = sizeof(uint32_t), kShort = 4, kLong = 8;

  if (disk.size() < kHead || load<uint32_t>(disk, 0) != kDiskVersion) return Errno::EUCLEAN;
  size_t written = kHead;
  bool fits = out.size() >= written;
  if (fits) std::memcpy(out.data(), &kXattrVersion, kHead);
  for (size_t at = kHead; at < disk.size();) {
    if (disk.size() - at < kShort) return Errno::EUCLEAN;
    Entry e{load<uint16_t>(disk, at), load<uint16_t>(disk, at + 2), kNoId};
    at += kShort;
    switch (e.tag) {
      case kUser:
      case kGroup:
        if (disk.size() - at < kLong - kShort) return Errno::EUCLEAN;
        e.id = load<uint32_t>(disk, at);
        at += kLong - kShort;
        break;
      case kUserObj:
      case kGroupObj:
      case kMask:
      case kOther:
        break;
      default:
        return Errno::EUCLEAN;
    }
    fits = fits && out.size() - written >= sizeof e;
    if (fits) std::memcpy(out.data() + written, &e, sizeof e);
    written += sizeof e;
  }
  if (!fits && !out.empty()) return Errno::ERANGE;
  return written;
}

}  // namespace lodge::ext4
