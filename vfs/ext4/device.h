// Device: the image as blocks, with those moved aside that must be read from elsewhere: a dirty journal,
// replayed in memory, is a list of blocks whose present content stands in the journal (or, patched, in the
// page file).
//
// The list is made at mount, before anybody else reads, and constant from then on. No locks.
#pragma once
#include <cstdint>

#include "kernel/base/result.h"
#include "kernel/base/vector.h"
#include "kernel/host/host.h"
#include "vfs/ext4/layout.h"

namespace lodge::ext4 {

// Where a block's bytes are for the host: in the image, or in a page of the page file.
class Place {
 public:
  static constexpr Place zeros() { return Place(0); }
  static constexpr Place in_image(BlockNo b) { return Place(b); }
  static constexpr Place in_pages(uint64_t page) { return Place(page | kPagesBit); }

  constexpr bool is_zeros() const { return raw_ == 0; }
  constexpr bool is_in_pages() const { return raw_ & kPagesBit; }
  constexpr uint64_t byte_offset() const { return (raw_ & ~kPagesBit) << kBlockShift; }
  constexpr Place plus(uint64_t blocks) const { return is_zeros() ? *this : Place(raw_ + blocks); }
  constexpr bool operator==(const Place&) const = default;

 private:
  explicit constexpr Place(uint64_t raw) : raw_(raw) {}
  static constexpr uint64_t kPagesBit = 1ull << 63;
  uint64_t raw_;  // block 0 of the image is never a file's: it stands for zeros
};

class Device {
 public:
  Device(host::HostFile image, uint64_t blocks) : image_(image), blocks_(blocks) {}
  Device(const Device&) = delete;
  ~Device();

  uint64_t blocks() const { return blocks_; }
  host::HostFile file_of(Place p) const { return p.is_in_pages() ? host::HostFile::kPages : image_; }

  // Where block `b` is to be read, and how many of the up to `count` blocks from there lie one behind the
  // other.
  struct Stretch {
    Place place;
    uint64_t count;
  };
  Stretch locate(BlockNo b, uint64_t count) const {
    if (moved_.empty()) [[likely]]
      return {Place::in_image(b), count};
    return locate_moved(b, count);
  }
  // One whole block into `buffer`. EIO if the host cannot.
  Result<void> read_block(BlockNo b, void* buffer) const;
  Result<void> read_raw(uint64_t offset, void* buffer, size_t n) const;  // of the image, moved blocks ignored

  struct Moved {
    BlockNo block;
    Place place;
  };
  // Sorted by block, each once. Pages of the page file among them are the Device's from here on.
  void set_moved(Vector<Moved> moved) { moved_ = std::move(moved); }
  size_t moved_count() const { return moved_.size(); }

 private:
  Stretch locate_moved(BlockNo b, uint64_t count) const;

  host::HostFile image_;
  uint64_t blocks_;  // whole blocks in the image file
  Vector<Moved> moved_;
};

}  // namespace lodge::ext4
