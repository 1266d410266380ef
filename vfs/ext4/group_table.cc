#include "vfs/ext4/group_table.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/crc32c.h"
#include "vfs/ext4/buffer_cache.h"

namespace lodge::ext4 {
namespace {

uint16_t crc16(uint16_t crc, const void* data, size_t n) {  // reflected 0x8005, of file systems before crc32c
  for (const auto* p = static_cast<const uint8_t*>(data); n > 0; p++, n--) {
    crc ^= *p;
    for (int bit = 0; bit < 8; bit++) crc = static_cast<uint16_t>((crc >> 1) ^ ((crc & 1) ? 0xa001 : 0));
  }
  return crc;
}

// Both kinds sum the group's number and its descriptor; crc32c takes the checksum's place as zeros, crc16
// skips it.
uint16_t group_checksum(const Geometry& geo, uint32_t group, const uint8_t* desc) {
  constexpr size_t kAt = offsetof(GroupDescDisk, checksum), kAfter = kAt + sizeof(uint16_t);
  if (geo.has_checksums()) {
    uint32_t crc = crc32c_value(geo.checksum_seed, group);
    crc = crc32c(crc, desc, kAt);
    crc = crc32c_value(crc, uint16_t{0});
    return static_cast<uint16_t>(crc32c(crc, desc + kAfter, geo.desc_size - kAfter));
  }
  uint16_t crc = crc16(0xffff, geo.uuid, sizeof geo.uuid);
  crc = crc16(crc, &group, sizeof group);
  crc = crc16(crc, desc, kAt);
  return crc16(crc, desc + kAfter, geo.desc_size - kAfter);
}

bool has_group_checksums(const Geometry& geo) {
  return geo.ro_compat & (kRoMetadataCsum | kRoGdtCsum);
}

}  // namespace

Result<void> GroupTable::load(const Geometry& geo, BufferCache& buffers, MountError& error) {
  TRY(groups_.reserve(geo.groups));
  BufferRef block;
  for (uint32_t group = 0; group < geo.groups; group++) {
    uint32_t slot = group % geo.descs_per_block();
    if (slot == 0) {
      BlockNo at = geo.desc_block(group / geo.descs_per_block());
      if (!geo.valid_blocks(at, 1))
        return error.refuse(Errno::EUCLEAN, "group descriptors lie outside the image");
      block = TRY(buffers.get(at));
    }
    const uint8_t* raw = block.data() + slot * geo.desc_size;
    GroupDescDisk d{};
    std::memcpy(&d, raw, std::min<size_t>(geo.desc_size, sizeof d));
    if (has_group_checksums(geo) && group_checksum(geo, group, raw) != d.checksum)
      return error.refuse(Errno::EUCLEAN, "the checksum of group descriptor {} is wrong", group);
    Group g{join(d.inode_table_lo, d.inode_table_hi)};
    if (!geo.valid_blocks(g.inode_table, geo.inode_table_blocks()))
      return error.refuse(Errno::EUCLEAN, "the inode table of group {} lies outside the file system", group);
    TRY(groups_.push_back(g));
    free_blocks_ += d.free_blocks_lo | static_cast<uint32_t>(d.free_blocks_hi) << 16;
    free_inodes_ += d.free_inodes_lo | static_cast<uint32_t>(d.free_inodes_hi) << 16;
  }
  free_blocks_ = std::min(free_blocks_, geo.blocks);
  free_inodes_ = std::min<uint64_t>(free_inodes_, geo.inodes);
  return {};
}

}  // namespace lodge::ext4
