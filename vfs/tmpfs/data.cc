// Contents of tmpfs files. A page's place and its bit are set before it is written; what a failed write
// leaves behind is a page of zeros, which is what was there.
#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/file/io_cursor.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/page_file.h"
#include "vfs/core/attr.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {
namespace {

using namespace abi;

constexpr uint64_t kMaxFileSize = (~0ull >> 1) & ~(uint64_t{kPageSize} - 1);
constexpr uint32_t kKeepSize = 1, kPunchHole = 2;  // fallocate(2)

constexpr uint64_t page_of(uint64_t offset) {
  return offset >> kPageShift;
}
constexpr uint64_t in_page(uint64_t offset) {
  return offset & (kPageSize - 1);
}
constexpr uint64_t page_end(uint64_t offset) {
  return (offset + kPageSize - 1) & ~(uint64_t{kPageSize} - 1);
}

PageFile& page_file() {
  return kernel_part<PageFile>();
}

}  // namespace

Result<void> TmpfsInode::may_write(uint64_t end) const {
  if (seals_ & (kSealWrite | kSealFutureWrite)) return Errno::EPERM;
  if ((seals_ & kSealGrow) && end > size_.load(std::memory_order_relaxed)) return Errno::EPERM;
  return {};
}

// Where the bytes from `offset` on are to be written: as many as lie together, charged and marked as data.
Result<TmpfsInode::Place> TmpfsInode::place_data(uint64_t offset, uint64_t length) {
  uint64_t first = page_of(offset), pages = page_of(offset + length - 1) - first + 1;
  Place p{.fresh = false};
  uint64_t added;
  {
    MutexLock lock(attr_lock_);
    PageMap::Run run = TRY(pages_.place(page_file(), first, pages, p.fresh));
    pages = run.pages;
    added = pages_.count_clear(first, pages);
    if (added) {
      if (Result<void> r = tmpfs().charge(added); !r.ok()) {
        // Near a limit a page at a time, up to the last that there is.
        if (pages == 1) return r.error();
        pages = 1;
        added = pages_.count_clear(first, 1);
        if (added) TRY(tmpfs().charge(added));
      }
      pages_.set(first, pages);
      data_pages_ += added;
    }
    p.host_offset = run.host_offset + in_page(offset);
  }
  p.length = std::min(length, (first + pages) * kPageSize - offset);
  return p;
}

Result<size_t> TmpfsInode::read(IoCursor& to, uint64_t offset) {
  if (!is_regular()) return Inode::read(to, offset);
  SleepSharedGuard guard(io_lock);
  uint64_t end = size();
  if (offset >= end) return size_t{0};
  uint64_t left = std::min<uint64_t>(end - offset, to.remaining());
  size_t done = 0;
  while (done < left) {
    PageMap::Run run;
    uint64_t at = offset + done;
    {
      MutexLock lock(attr_lock_);
      run = pages_.find(page_of(at), page_of(left - done) + 2);
    }
    uint64_t length = std::min(left - done, run.pages * kPageSize - in_page(at));
    Result<size_t> r = run.placed
                           ? to.read_from(host::HostFile::kPages, run.host_offset + in_page(at), length)
                           : to.zero_out(length);
    if (!r.ok()) {
      if (done == 0) return r.error();
      break;
    }
    done += *r;
    if (*r < length) break;
  }
  return done;
}

Result<size_t> TmpfsInode::write(IoCursor& from, uint64_t offset, bool append) {
  if (!is_regular()) return Inode::write(from, offset, append);
  SleepGuard guard(io_lock);
  if (append) offset = size();
  uint64_t left = from.remaining();
  if (left == 0) return size_t{0};
  if (offset >= kMaxFileSize) return Errno::EFBIG;
  left = std::min(left, kMaxFileSize - offset);
  TRY(may_write(offset + left));
  if (offset > size()) clear_behind_end();
  size_t done = 0;
  Result<size_t> r = size_t{0};
  while (done < left) {
    Result<Place> place = place_data(offset + done, left - done);
    if (!place.ok()) {
      r = place.error();
      break;
    }
    // Who has mapped the range as zeros has to see what comes there.
    if (place->fresh && has_mappings())
      invalidate_mappings(offset + done, place->length, Invalidation::kMove);
    r = from.write_to(host::HostFile::kPages, place->host_offset, place->length);
    if (!r.ok()) break;
    done += *r;
    if (*r < place->length) break;
  }
  if (done == 0) return r.error();
  if (offset + done > size()) size_.store(offset + done, std::memory_order_release);
  content_version.fetch_add(1, std::memory_order_relaxed);
  stamp_contents(current_time());
  return done;
}

// Bytes [from, end) within one page become zero, if the page has a place.
void TmpfsInode::zero_bytes(uint64_t from, uint64_t end) {
  PageMap::Run run;
  {
    MutexLock lock(attr_lock_);
    run = pages_.find(page_of(from), 1);
  }
  if (!run.placed) return;
  // Of our own file in the host's memory: it fails only when the host is out of it, and then the next write
  // does too.
  (void)host::punch_hole(host::HostFile::kPages, run.host_offset + in_page(from), end - from);
}

// A shared mapping may have written behind the end of file within its last page: that must not come to light
// when the file grows.
void TmpfsInode::clear_behind_end() {
  uint64_t end = size();
  if (in_page(end) != 0) zero_bytes(end, page_end(end));
}

// Gives the pages [page, end) up. Nobody reaches them: the caller has torn mappings down, or is the last
// reference.
void TmpfsInode::free_pages(uint64_t page, uint64_t end) {
  uint64_t freed = 0;
  for (;;) {
    PageMap::Cleared c;
    {
      MutexLock lock(attr_lock_);
      c = pages_.clear_next(page, end);
      data_pages_ -= c.freed;
    }
    if (!c.any) break;
    if (c.whole_extent)
      page_file().free(c.host_offset, c.pages * kPageSize);
    else
      (void)host::punch_hole(host::HostFile::kPages, c.host_offset, c.pages * kPageSize);
    freed += c.freed;
    page = c.next_page;
  }
  if (freed) tmpfs().uncharge(freed);
}

Result<void> TmpfsInode::truncate(uint64_t new_size) {
  if (!is_regular()) return Inode::truncate(new_size);
  if (new_size > kMaxFileSize) return Errno::EFBIG;
  SleepGuard guard(io_lock);
  uint64_t old_size = size();
  if (new_size < old_size && (seals_ & kSealShrink)) return Errno::EPERM;
  if (new_size > old_size && (seals_ & kSealGrow)) return Errno::EPERM;
  if (new_size > old_size) clear_behind_end();
  size_.store(new_size, std::memory_order_release);
  if (new_size < old_size) {
    uint64_t keep = page_end(new_size);
    if (has_mappings()) invalidate_mappings(keep, kMaxFileSize - keep, Invalidation::kDiscard);
    free_pages(page_of(keep), page_of(kMaxFileSize));
    if (in_page(new_size) != 0) zero_bytes(new_size, keep);
  }
  content_version.fetch_add(1, std::memory_order_relaxed);
  stamp_contents(current_time());
  return {};
}

// All of an allocation or nothing of it: is there room for what [page, end) lacks? Only for the moment:
// others may take it before we do.
Result<void> TmpfsInode::room_for(uint64_t page, uint64_t end) {
  uint64_t lacks = end - page;
  {
    MutexLock lock(attr_lock_);
    while ((page = pages_.next_data(page, end)) < end) {
      uint64_t hole = pages_.next_hole(page, end);
      lacks -= hole - page;
      page = hole;
    }
  }
  TRY(tmpfs().charge(lacks));
  tmpfs().uncharge(lacks);
  return {};
}

Result<void> TmpfsInode::allocate(uint32_t mode, uint64_t offset, uint64_t length) {
  if (!is_regular()) return Inode::allocate(mode, offset, length);
  if (mode & ~(kKeepSize | kPunchHole)) return Errno::EOPNOTSUPP;
  uint64_t end;
  if (__builtin_add_overflow(offset, length, &end) || end > kMaxFileSize) return Errno::EFBIG;
  SleepGuard guard(io_lock);
  if (mode & kPunchHole) {
    if (seals_ & (kSealWrite | kSealFutureWrite)) return Errno::EPERM;
    uint64_t first = page_end(offset), last = end & ~(uint64_t{kPageSize} - 1);
    if (first > last) {  // within one page
      zero_bytes(offset, end);
    } else {
      if (offset < first) zero_bytes(offset, first);
      if (last < end) zero_bytes(last, end);
      if (first < last) {
        if (has_mappings()) invalidate_mappings(first, last - first, Invalidation::kDiscard);
        free_pages(page_of(first), page_of(last));
      }
    }
  } else {
    bool grows = !(mode & kKeepSize) && end > size();
    if (end > size() && (seals_ & kSealGrow)) return Errno::EPERM;
    TRY(room_for(page_of(offset), page_of(page_end(end))));
    if (grows) clear_behind_end();
    for (uint64_t at = offset; at < end;) {
      Place p = TRY(place_data(at, end - at));
      at += p.length;
    }
    if (grows) size_.store(end, std::memory_order_release);
  }
  content_version.fetch_add(1, std::memory_order_relaxed);
  stamp_contents(current_time());
  return {};
}

void TmpfsInode::stored_by_mapping() {
  if (is_regular()) stamp_contents(current_time());
}

Result<uint64_t> TmpfsInode::seek_data_hole(uint64_t offset, bool hole) {
  SleepSharedGuard guard(io_lock);
  uint64_t end = size();
  if (offset >= end) return Errno::ENXIO;
  uint64_t end_page = page_of(page_end(end));
  MutexLock lock(attr_lock_);
  uint64_t page =
      hole ? pages_.next_hole(page_of(offset), end_page) : pages_.next_data(page_of(offset), end_page);
  if (page == end_page && !hole) return Errno::ENXIO;
  return std::min(std::max(page * kPageSize, offset), end);
}

// What a shared mapping may write gets its place here and counts as data from now on, but is not charged: how
// much of it will be touched is not known (--memory's second line, sampled residence, sees it).
Result<MapExtent> TmpfsInode::map_extent(uint64_t offset, uint64_t max_length, MapIntent intent) {
  if (!is_regular()) return Inode::map_extent(offset, max_length, intent);
  if (intent == MapIntent::kSharedWrite && (seals_ & (kSealWrite | kSealFutureWrite))) return Errno::EPERM;
  uint64_t end = page_end(size());
  if (offset >= end) return Errno::ENXIO;
  uint64_t pages = page_of(std::min(max_length, end - offset));
  MutexLock lock(attr_lock_);
  PageMap::Run run;
  bool fresh = false;
  if (intent == MapIntent::kPrivate)
    run = pages_.find(page_of(offset), pages);
  else
    run = TRY(pages_.place(page_file(), page_of(offset), pages, fresh));
  if (run.placed && intent == MapIntent::kSharedWrite) pages_.set_mapped(page_of(offset));
  return MapExtent{.zero = !run.placed,
                   .file = host::HostFile::kPages,
                   .host_offset = run.host_offset,
                   .length = run.pages * kPageSize};
}

Result<uint32_t> TmpfsInode::seals() {
  if (!is_regular()) return Errno::EINVAL;
  return seals_;
}

Result<void> TmpfsInode::add_seals(uint32_t more) {
  if (!is_regular() || (more & ~kSealsAll)) return Errno::EINVAL;
  SleepGuard guard(io_lock);
  if (seals_ & kSealSeal) return Errno::EPERM;
  if ((more & kSealWrite) && !(seals_ & kSealWrite) && has_mappings()) return Errno::EBUSY;
  seals_ |= more;
  return {};
}

}  // namespace lodge
