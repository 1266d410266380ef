// POSIX ACLs of a tar entry, turned into the value of system.posix_acl_access and system.posix_acl_default: a
// version word and entries of tag, permissions and id, little-endian (linux/posix_acl_xattr.h).
#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <tuple>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/archive_source.h"

namespace lodge {

namespace {

constexpr uint32_t kVersion = 2;
constexpr uint32_t kNoId = 0xffffffff;

struct AclEntry {
  uint16_t tag;
  uint16_t permissions;
  uint32_t id;
};

uint16_t tag_of(int archive_tag) {
  switch (archive_tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
      return 0x01;
    case ARCHIVE_ENTRY_ACL_USER:
      return 0x02;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
      return 0x04;
    case ARCHIVE_ENTRY_ACL_GROUP:
      return 0x08;
    case ARCHIVE_ENTRY_ACL_MASK:
      return 0x10;
    case ARCHIVE_ENTRY_ACL_OTHER:
      return 0x20;
  }
  throw Failure("an ACL of the tar has an entry of unknown kind");
}

void append_bytes(std::string& value, uint32_t number, int bytes) {
  for (int i = 0; i < bytes; i++) value += static_cast<char>(number >> (8 * i));
}

void append_acl(archive_entry* entry, int type, const char* name, std::vector<Xattr>& xattrs) {
  std::vector<AclEntry> acl;
  int got_type, permissions, tag, id;
  const char* qualifier;
  archive_entry_acl_reset(entry, type);
  while (archive_entry_acl_next(entry, type, &got_type, &permissions, &tag, &id, &qualifier) == ARCHIVE_OK) {
    bool is_named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
    acl.push_back({tag_of(tag), static_cast<uint16_t>(permissions & 7), is_named ? id : kNoId});
  }
  // An access ACL of owner, group and others alone says no more than the mode.
  if (acl.empty() || (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && acl.size() <= 3)) return;
  std::sort(acl.begin(), acl.end(), [](const AclEntry& a, const AclEntry& b) {
    return std::tie(a.tag, a.id) < std::tie(b.tag, b.id);
  });
  std::string value;
  append_bytes(value, kVersion, 4);
  for (const AclEntry& one : acl) {
    append_bytes(value, one.tag, 2);
    append_bytes(value, one.permissions, 2);
    append_bytes(value, one.id, 4);
  }
  std::erase_if(xattrs, [&](const Xattr& xattr) { return xattr.name == name; });
  xattrs.push_back({name, std::move(value)});
}

}  // namespace

void append_acl_xattrs(archive_entry* entry, std::vector<Xattr>& xattrs) {
  append_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", xattrs);
  append_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default", xattrs);
}

}  // namespace lodge
