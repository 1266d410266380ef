// Replay of a dirty journal, in memory: which blocks of the file system have their present content in the
// log. The image stays as it is; the Device then reads those blocks from where the log has them.
//
// What jbd2 would replay is what is found here: every transaction from the log's start whose commit block is
// there and right, later copies of a block over earlier ones, none of those that a later transaction revoked.
// A log that jbd2 would call corrupt is refused, as are fast commits (they describe operations, not blocks).
//
// Used once, during mount, by one context. Waits for the disk.
#pragma once
#include "kernel/base/arena.h"
#include "kernel/base/result.h"
#include "kernel/base/vector.h"
#include "vfs/ext4/file_map.h"
#include "vfs/ext4/journal_layout.h"
#include "vfs/ext4/mount_error.h"
#include "vfs/ext4/raw_inode.h"
#include "vfs/ext4/volume.h"

namespace lodge::ext4 {

class JournalReplay {
 public:
  // `journal`: the inode that the log is the contents of.
  JournalReplay(Volume& volume, const RawInode& journal, MountError& error);
  JournalReplay(const JournalReplay&) = delete;
  ~JournalReplay();

  // Sorted by block, each once.
  Result<Vector<Device::Moved>> run();

 private:
  struct Copy {
    uint64_t block;        // where it belongs
    uint32_t distance;     // of its log block from the log's start; grows in the order of writing
    uint32_t transaction;  // counted from the log's first
    uint32_t checksum;
    bool escaped;
  };
  struct Revoke {
    uint64_t block;
    uint32_t transaction;  // it and all before it are void for the block
  };
  struct Page {
    uint8_t bytes[kBlockSize];
  };
  enum class Step : uint8_t { kGoOn, kEndOfLog };

  Result<void> read_log(uint32_t log_block, Page& to);
  Result<BlockNo> place_in_image(uint32_t log_block);
  Result<void> check_superblock();
  Result<void> scan();
  Result<Step> scan_block();
  Result<void> scan_descriptor();
  Result<void> scan_revokes();
  Result<Step> scan_commit();
  Result<void> check_fast_commits();
  Result<Vector<Device::Moved>> resolve();
  bool is_revoked(const Copy& copy) const;
  Result<Place> place_of(const Copy& copy);

  bool has_block_checksums() const { return features_ & (kJournalCsumV2 | kJournalCsumV3); }
  size_t tag_size() const;
  bool tail_checksum_ok() const;
  uint32_t log_block(uint32_t distance) const {
    return first_ + (start_ - first_ + distance) % (last_ - first_);
  }

  Volume& volume_;
  MountError& error_;
  InodeDisk inode_;
  InodeId id_;
  UniquePtr<Page> page_;  // the control block that is looked at
  UniquePtr<Page> data_;

  uint32_t features_ = 0;
  uint32_t checksum_seed_ = 0;
  uint32_t first_ = 0, last_ = 0;  // the log is a ring of [first_, last_)
  uint32_t start_ = 0, start_sequence_ = 0;

  uint32_t distance_ = 0, transaction_ = 0;  // what is looked at
  uint64_t last_commit_time_ = 0;
  bool doubtful_ = false;  // a control block of this transaction has a wrong checksum
  size_t committed_copies_ = 0, committed_revokes_ = 0;
  Vector<Copy> copies_;
  Vector<Revoke> revokes_;
  Vector<Device::Moved> moved_;
};

}  // namespace lodge::ext4
