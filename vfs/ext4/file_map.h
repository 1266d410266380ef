// FileMap: where the blocks of a regular file are for the host, kept in the inode so that a warm read asks
// the buffer cache for nothing. The whole map is read at first use into one sorted array, neighbours merged,
// unwritten extents left out as the zeros that they read as. A file in more runs than kMaxRuns is looked up
// in its tree each time.
//
// The array is published once and constant while a file system is only read. What will change it holds the
// inode's io_lock exclusively, readers hold it shared, so that replacing the array then needs no more than
// this.
#pragma once
#include <atomic>

#include "kernel/base/arena.h"
#include "kernel/base/result.h"
#include "vfs/ext4/block_map.h"
#include "vfs/ext4/device.h"

namespace lodge::ext4 {

// The map on disk of one inode.
struct MapSource {
  Volume& volume;
  MapRoot root;
  InodeId id;
  bool extents;     // else pointer blocks
  uint64_t blocks;  // that the file's size covers

  Result<Run> find(LogicalBlock at) const {
    return extents ? find_extent(volume, root, id, at) : find_indirect(volume, root, at);
  }
};

class FileMap {
 public:
  static constexpr uint32_t kMaxRuns = 4096;

  FileMap() = default;
  FileMap(const FileMap&) = delete;
  ~FileMap();

  struct Stretch {
    Place place;  // of the first block, or zeros
    uint64_t blocks;
  };
  // From `at` on, which lies inside the file. Never empty, and not beyond the last block of the file.
  Result<Stretch> find(const MapSource& source, LogicalBlock at);

 private:
  struct Entry {
    LogicalBlock logical;
    uint32_t length;
    Place place;
  };
  struct Table {
    uint32_t count;
    Entry entries[];
  };
  static Stretch find_in(const Table& table, uint64_t file_blocks, LogicalBlock at);
  Result<const Table*> load(const MapSource& source);
  const Table* publish(Table* table);

  // nullptr: not read yet. An empty table that says kTooMany: to be looked up on disk.
  static constexpr uint32_t kTooMany = UINT32_MAX;
  std::atomic<const Table*> table_{nullptr};
};

}  // namespace lodge::ext4
