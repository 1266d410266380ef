#include "vfs/ext4/journal_replay.h"

#include <algorithm>
#include <cstring>

#include "vfs/ext4/page_copy.h"

namespace lodge::ext4 {
namespace {

template <typename T>
T load(const uint8_t* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

}  // namespace

JournalReplay::JournalReplay(Volume& volume, const RawInode& journal, MountError& error)
    : volume_(volume), error_(error), inode_(journal.disk()), id_(journal.id()) {}

JournalReplay::~JournalReplay() {
  for (const Device::Moved& m : moved_)  // of a replay that failed
    if (m.place.is_in_pages()) free_page_copy(m.place);
}

Result<Vector<Device::Moved>> JournalReplay::run() {
  page_ = TRY(make_unique<Page>());
  data_ = TRY(make_unique<Page>());
  TRY(check_superblock());
  if (start_ == 0) return Vector<Device::Moved>();
  auto scanned = scan();
  if (!scanned.ok() && scanned.error() == Errno::ENOMEM)
    return error_.refuse(Errno::ENOMEM, "the journal is too large to be replayed in memory");
  TRY(std::move(scanned));
  TRY(check_fast_commits());
  return resolve();
}

Result<BlockNo> JournalReplay::place_in_image(uint32_t log_block) {
  MapRoot root(inode_.block);
  Run run = TRY(inode_.flags & kInodeExtents ? find_extent(volume_, root, id_, log_block)
                                             : find_indirect(volume_, root, log_block));
  if (run.physical == 0) return error_.refuse(Errno::EUCLEAN, "the journal has a hole");
  return run.physical;
}

Result<void> JournalReplay::read_log(uint32_t log_block, Page& to) {
  return volume_.device().read_block(TRY(place_in_image(log_block)), to.bytes);
}

Result<void> JournalReplay::check_superblock() {
  bool mapped =
      !(inode_.flags & kInodeInlineData) &&
      (!(inode_.flags & kInodeExtents) || extent_root_sane(volume_.geometry(), MapRoot(inode_.block)));
  if (!mapped) return error_.refuse(Errno::EUCLEAN, "the journal's inode is damaged");
  TRY(read_log(0, *page_));
  auto sb = load<JournalSuperblockDisk>(page_->bytes);
  auto type = static_cast<JournalBlockType>(uint32_t{sb.header.block_type});
  bool v2 = type == JournalBlockType::kSuperblockV2;
  if (sb.header.magic != kJournalMagic || (!v2 && type != JournalBlockType::kSuperblockV1))
    return error_.refuse(Errno::EUCLEAN, "the journal has no superblock");
  features_ = v2 ? uint32_t{sb.feature_incompat} : 0;
  uint32_t known = kJournalRevoke | kJournal64Bit | kJournalAsyncCommit | kJournalCsumV2 | kJournalCsumV3 |
                   kJournalFastCommit;
  if (features_ & ~known)
    return error_.refuse(Errno::EOPNOTSUPP, "the journal has unknown features {:x}", features_ & ~known);
  // The checksum over a whole transaction that came before V2 is not looked at: the commit block is written
  // after what it commits. Asynchronous commits are not, and had nothing else.
  if (v2 && features_ & kJournalAsyncCommit && !has_block_checksums())
    return error_.refuse(Errno::EOPNOTSUPP, "the journal has asynchronous commits without checksums");
  if (has_block_checksums()) {
    auto zeroed = sb;
    zeroed.checksum = {};
    if (crc32c(~0u, &zeroed, sizeof zeroed) != sb.checksum)
      return error_.refuse(Errno::EUCLEAN, "the checksum of the journal's superblock is wrong");
  }
  checksum_seed_ = crc32c(~0u, sb.uuid, sizeof sb.uuid);

  first_ = sb.first;
  last_ = sb.max_length;
  if (features_ & kJournalFastCommit) {
    uint32_t fast = sb.fast_commit_blocks != 0 ? uint32_t{sb.fast_commit_blocks} : kDefaultFastCommitBlocks;
    last_ -= std::min(last_, fast);
  }
  start_ = sb.start;
  start_sequence_ = sb.sequence;
  uint64_t blocks = join(inode_.size_lo, inode_.size_hi) >> kBlockShift;
  bool sane = sb.block_size == kBlockSize && sb.max_length <= blocks && first_ >= 1 && first_ < last_ &&
              (start_ == 0 || (start_ >= first_ && start_ < last_));
  if (!sane) return error_.refuse(Errno::EUCLEAN, "the journal's superblock is damaged");
  return {};
}

// What is kept is what committed transactions say; the rest of an unfinished one is cut off at the end.
Result<void> JournalReplay::scan() {
  while (distance_ < last_ - first_)
    if (TRY(scan_block()) == Step::kEndOfLog) break;
  while (copies_.size() > committed_copies_) copies_.pop_back();
  while (revokes_.size() > committed_revokes_) revokes_.pop_back();
  return {};
}

Result<JournalReplay::Step> JournalReplay::scan_block() {
  TRY(read_log(log_block(distance_), *page_));
  auto h = load<JournalHeader>(page_->bytes);
  // What was written in an earlier round of the ring has another number.
  if (h.magic != kJournalMagic || h.sequence != start_sequence_ + transaction_) return Step::kEndOfLog;
  switch (static_cast<JournalBlockType>(uint32_t{h.block_type})) {
    case JournalBlockType::kDescriptor:
      TRY(scan_descriptor());
      return Step::kGoOn;
    case JournalBlockType::kRevoke:
      TRY(scan_revokes());
      return Step::kGoOn;
    case JournalBlockType::kCommit:
      return scan_commit();
    default:
      return Step::kEndOfLog;
  }
}

size_t JournalReplay::tag_size() const {
  if (features_ & kJournalCsumV3) return sizeof(JournalTag3);
  return sizeof(JournalTag) + (features_ & kJournalCsumV2 ? 2 : 0) - (features_ & kJournal64Bit ? 0 : 4);
}

bool JournalReplay::tail_checksum_ok() const {
  if (!has_block_checksums()) return true;
  constexpr size_t kAt = kBlockSize - kJournalTailSize;
  uint32_t crc = crc32c(checksum_seed_, page_->bytes, kAt);
  return crc32c_value(crc, uint32_t{0}) == load<Be32>(page_->bytes + kAt);
}

Result<void> JournalReplay::scan_descriptor() {
  doubtful_ |= !tail_checksum_ok();
  const size_t end = kBlockSize - (has_block_checksums() ? kJournalTailSize : 0);
  distance_++;
  for (size_t at = sizeof(JournalHeader); at + tag_size() <= end;) {
    Copy copy{};
    uint32_t flags;
    if (features_ & kJournalCsumV3) {
      auto t = load<JournalTag3>(page_->bytes + at);
      copy.block = join(t.block_lo, features_ & kJournal64Bit ? uint32_t{t.block_hi} : 0);
      copy.checksum = t.checksum;
      flags = t.flags;
    } else {
      JournalTag t{};
      std::memcpy(&t, page_->bytes + at, std::min(tag_size(), sizeof t));
      copy.block = join(t.block_lo, features_ & kJournal64Bit ? uint32_t{t.block_hi} : 0);
      copy.checksum = t.checksum;
      flags = t.flags;
    }
    copy.distance = distance_++;
    copy.transaction = transaction_;
    copy.escaped = flags & kTagEscaped;
    TRY(copies_.push_back(copy));
    if (flags & kTagLast) break;
    at += tag_size() + (flags & kTagSameUuid ? 0 : kTagUuidSize);
  }
  return {};
}

Result<void> JournalReplay::scan_revokes() {
  doubtful_ |= !tail_checksum_ok();
  distance_++;
  const size_t record = features_ & kJournal64Bit ? 8 : 4;
  const size_t end = load<JournalRevokeHeader>(page_->bytes).used;
  if (end < sizeof(JournalRevokeHeader) || end > kBlockSize - (has_block_checksums() ? kJournalTailSize : 0))
    return error_.refuse(Errno::EUCLEAN, "a revoke block of the journal is damaged");
  for (size_t at = sizeof(JournalRevokeHeader); at + record <= end; at += record) {
    uint64_t block = load<Be32>(page_->bytes + at);
    if (record == 8) block = block << 32 | load<Be32>(page_->bytes + at + 4);
    TRY(revokes_.push_back(Revoke{block, transaction_}));
  }
  return {};
}

// A wrong checksum is damage, unless the commit is older than the one before it: then this is where an
// earlier round of the ring happened to have the number that comes next, and the log ends here.
Result<JournalReplay::Step> JournalReplay::scan_commit() {
  auto c = load<JournalCommit>(page_->bytes);
  uint64_t time = join(c.seconds_lo, c.seconds_hi);
  bool good = !doubtful_;
  if (has_block_checksums()) {
    constexpr size_t kAt = offsetof(JournalCommit, checksum), kAfter = kAt + sizeof(uint32_t);
    uint32_t crc = crc32c(checksum_seed_, page_->bytes, kAt);
    crc = crc32c_value(crc, uint32_t{0});
    good &= crc32c(crc, page_->bytes + kAfter, kBlockSize - kAfter) == c.checksum[0];
  }
  if (!good) {
    if (time < last_commit_time_ || features_ & kJournalAsyncCommit) return Step::kEndOfLog;
    return error_.refuse(Errno::EUCLEAN, "transaction {} of the journal is damaged",
                         start_sequence_ + transaction_);
  }
  last_commit_time_ = time;
  committed_copies_ = copies_.size();
  committed_revokes_ = revokes_.size();
  transaction_++;
  distance_++;
  return Step::kGoOn;
}

// Behind the log. jbd2 leaves out one block between the two. They count if they continue the last
// transaction.
Result<void> JournalReplay::check_fast_commits() {
  if (!(features_ & kJournalFastCommit)) return {};
  TRY(read_log(last_ + 1, *page_));
  auto head = load<FastCommitHead>(page_->bytes);
  if (head.tag != kFastCommitTagHead || head.tid != start_sequence_ + transaction_) return {};
  return error_.refuse(Errno::EOPNOTSUPP, "the journal has fast commits to replay; run e2fsck on the image");
}

bool JournalReplay::is_revoked(const Copy& copy) const {
  // The last revocation of the block, as they are sorted by block and transaction.
  const Revoke* after = std::upper_bound(revokes_.begin(), revokes_.end(), copy.block,
                                         [](uint64_t block, const Revoke& r) { return block < r.block; });
  return after != revokes_.begin() && after[-1].block == copy.block &&
         after[-1].transaction >= copy.transaction;
}

Result<Vector<Device::Moved>> JournalReplay::resolve() {
  std::sort(revokes_.begin(), revokes_.end(), [](const Revoke& a, const Revoke& b) {
    return a.block != b.block ? a.block < b.block : a.transaction < b.transaction;
  });
  std::sort(copies_.begin(), copies_.end(), [](const Copy& a, const Copy& b) {
    return a.block != b.block ? a.block < b.block : a.distance < b.distance;
  });
  for (size_t i = 0; i < copies_.size(); i++) {
    const Copy& copy = copies_[i];
    bool overwritten = i + 1 < copies_.size() && copies_[i + 1].block == copy.block;
    if (overwritten || is_revoked(copy)) continue;
    if (copy.block >= volume_.geometry().blocks)
      return error_.refuse(Errno::EUCLEAN, "the journal has a block beyond the end of the file system");
    Place place = TRY(place_of(copy));
    auto kept = moved_.push_back(Device::Moved{copy.block, place});
    if (!kept.ok() && place.is_in_pages()) free_page_copy(place);
    TRY(std::move(kept));
  }
  return std::move(moved_);
}

Result<Place> JournalReplay::place_of(const Copy& copy) {
  BlockNo at = TRY(place_in_image(log_block(copy.distance)));
  if (!has_block_checksums() && !copy.escaped) return Place::in_image(at);
  TRY(volume_.device().read_block(at, data_->bytes));
  if (has_block_checksums()) {
    uint32_t sequence = start_sequence_ + copy.transaction;
    uint32_t crc = crc32c_value(checksum_seed_, __builtin_bswap32(sequence));
    crc = crc32c(crc, data_->bytes, kBlockSize);
    if (!(features_ & kJournalCsumV3)) crc &= 0xffff;
    if (crc != copy.checksum)
      return error_.refuse(Errno::EUCLEAN, "a block in transaction {} of the journal is damaged", sequence);
  }
  if (!copy.escaped) return Place::in_image(at);
  // A block that begins like the journal's own blocks is logged with zeros there.
  uint32_t magic = __builtin_bswap32(kJournalMagic);
  std::memcpy(data_->bytes, &magic, sizeof magic);
  return make_page_copy(data_->bytes);
}

}  // namespace lodge::ext4
