// jbd2's structures on disk, big-endian. Source: "Journal (jbd2)" in the Linux kernel's documentation of
// ext4. The records that log fast commits are ext4's own, and little-endian.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lodge::ext4 {

struct Be32 {
  uint32_t raw;
  constexpr operator uint32_t() const { return __builtin_bswap32(raw); }
};
struct Be16 {
  uint16_t raw;
  constexpr operator uint16_t() const { return __builtin_bswap16(raw); }
};

constexpr uint32_t kJournalMagic = 0xc03b3998;
enum class JournalBlockType : uint32_t {
  kDescriptor = 1,
  kCommit = 2,
  kSuperblockV1 = 3,
  kSuperblockV2 = 4,
  kRevoke = 5
};

struct JournalHeader {
  Be32 magic, block_type, sequence;
};
static_assert(sizeof(JournalHeader) == 12);

enum JournalCompat : uint32_t { kJournalCompatChecksum = 1 };
enum JournalIncompat : uint32_t {
  kJournalRevoke = 0x1,
  kJournal64Bit = 0x2,
  kJournalAsyncCommit = 0x4,
  kJournalCsumV2 = 0x8,
  kJournalCsumV3 = 0x10,
  kJournalFastCommit = 0x20,
};

struct JournalSuperblockDisk {
  JournalHeader header;
  Be32 block_size, max_length, first;
  Be32 sequence, start;  // the first transaction of the log, and its block; start 0: the log is empty
  Be32 error;
  // From here on: kSuperblockV2.
  Be32 feature_compat, feature_incompat, feature_ro_compat;
  uint8_t uuid[16];
  Be32 user_count, dynsuper, max_transaction, max_trans_data;
  uint8_t checksum_type, padding2[3];
  Be32 fast_commit_blocks, head, padding[40];
  Be32 checksum;  // crc32c(~0) of all 1024 bytes, itself as zero
  uint8_t users[768];
};
static_assert(sizeof(JournalSuperblockDisk) == 1024);
static_assert(offsetof(JournalSuperblockDisk, uuid) == 0x30 &&
              offsetof(JournalSuperblockDisk, checksum) == 0xfc);
constexpr uint32_t kDefaultFastCommitBlocks = 256;

// Descriptor blocks: tags behind the header, each naming where the next log block belongs. 12 bytes, of which
// the last 4 are left out without kJournal64Bit; 2 bytes longer with kJournalCsumV2, a form of its own with
// V3.
struct JournalTag {
  Be32 block_lo;
  Be16 checksum, flags;
  Be32 block_hi;
};
struct JournalTag3 {
  Be32 block_lo, flags, block_hi, checksum;
};
static_assert(sizeof(JournalTag) == 12 && sizeof(JournalTag3) == 16);
enum JournalTagFlags : uint32_t { kTagEscaped = 1, kTagSameUuid = 2, kTagDeleted = 4, kTagLast = 8 };
constexpr size_t kTagUuidSize = 16;     // follows a tag without kTagSameUuid
constexpr size_t kJournalTailSize = 4;  // the checksum at the end of descriptor and revoke blocks

struct JournalRevokeHeader {
  JournalHeader header;
  Be32 used;  // bytes of the block, this header included; block numbers of 4 or 8 bytes follow
};

struct JournalCommit {
  JournalHeader header;
  uint8_t checksum_type, checksum_size, padding[2];
  Be32 checksum[8];
  Be32 seconds_hi, seconds_lo, nanoseconds;
};
static_assert(offsetof(JournalCommit, checksum) == 16 && offsetof(JournalCommit, seconds_hi) == 48);

struct FastCommitHead {  // the first record of a fast commit
  uint16_t tag, length;
  uint32_t features, tid;
};
constexpr uint16_t kFastCommitTagHead = 9;

}  // namespace lodge::ext4
