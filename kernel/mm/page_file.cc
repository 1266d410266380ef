// Ranges of the page file: first fit, lowest first, so that what is in use stays together.
#include "kernel/mm/page_file.h"

#include <algorithm>

#include "kernel/host/host.h"

namespace lodge {

void PageFile::Order::update(FreeRange& r, const FreeRange* left, const FreeRange* right) {
  r.longest = r.length;
  if (left) r.longest = std::max(r.longest, left->longest);
  if (right) r.longest = std::max(r.longest, right->longest);
}

PageFile::~PageFile() {
  while (FreeRange* r = free_.first()) {
    free_.erase(*r);
    destroy(r);
  }
}

PageFile::FreeRange* PageFile::lowest_of(uint64_t length) {
  FreeRange* n = free_.root();
  if (n && n->longest < length) return nullptr;
  while (n) {
    if (FreeRange* left = Tree::left(*n); left && left->longest >= length)
      n = left;
    else if (n->length >= length)
      return n;
    else
      n = Tree::right(*n);
  }
  return nullptr;
}

Result<uint64_t> PageFile::allocate(uint64_t length, uint64_t align) {
  FreeRange* spare = nullptr;  // a cut in the middle of a range, or below an aligned one, makes one more
  if (align > kPageSize) spare = TRY(make_raw<FreeRange>());
  FreeRange* used_up = nullptr;
  uint64_t offset;
  bool full = false;
  {
    MutexLock lock(lock_);
    FreeRange* r = lowest_of(length + (align - kPageSize));
    uint64_t from = r ? r->offset : unused_from_;
    offset = (from + align - 1) & ~(align - 1);
    if (r) {
      uint64_t end = r->offset + r->length;
      if (offset > from) {
        r->length = offset - from;
        free_.changed(*r);
        if (end > offset + length) {
          spare->offset = offset + length;
          spare->length = end - spare->offset;
          free_.insert(*std::exchange(spare, nullptr));
        }
      } else if (r->length == length) {
        free_.erase(*r);
        used_up = r;
      } else {
        r->offset += length;  // keeps its place in the order
        r->length -= length;
        free_.changed(*r);
      }
    } else if (offset > size_ || size_ - offset < length) {
      full = true;
    } else {
      unused_from_ = offset + length;
      if (offset > from) {
        spare->offset = from;
        spare->length = offset - from;
        free_.insert(*std::exchange(spare, nullptr));
      }
    }
  }
  destroy(used_up);
  destroy(spare);
  if (full) return Errno::ENOSPC;
  return offset;
}

Result<void> PageFile::clear(uint64_t offset, uint64_t length) {
  static constexpr uint8_t kZeros[kPageSize] = {};
  // A hole would split the huge page.
  for (; length > 0 && offset < kept_; offset += kPageSize, length -= kPageSize) {
    size_t n = TRY(host::pwrite(host::HostFile::kPages, kZeros, kPageSize, offset));
    if (n != kPageSize) return Errno::EIO;
  }
  return length > 0 ? host::punch_hole(host::HostFile::kPages, offset, length) : Result<void>();
}

void PageFile::free(uint64_t offset, uint64_t length) {
  if (length == 0) return;
  // Cleared before it can be given out again. Were that to fail, the next owner would not read zeros: then
  // the range is better lost.
  if (!clear(offset, length).ok()) return;
  auto spare = make_raw<FreeRange>();
  FreeRange *unneeded = spare.ok() ? *spare : nullptr, *joined = nullptr;
  {
    MutexLock lock(lock_);
    FreeRange* above = free_.lower_bound([&](const FreeRange& r) { return r.offset < offset; });
    FreeRange* below = above ? Tree::previous(*above) : free_.last();
    if (above && above->offset != offset + length) above = nullptr;
    if (below && below->offset + below->length != offset) below = nullptr;
    if (below) {
      if (above) {
        length += above->length;
        free_.erase(*above);
        joined = above;
      }
      below->length += length;
      free_.changed(*below);
    } else if (above) {
      above->offset = offset;
      above->length += length;
      free_.changed(*above);
    } else if (unneeded) {
      unneeded->offset = offset;
      unneeded->length = length;
      free_.insert(*std::exchange(unneeded, nullptr));
    }
  }
  destroy(joined);
  destroy(unneeded);
}

Result<Ref<PageObject>> PageObject::create(PageFile& file, MemoryAccount& account, uint64_t length) {
  TRY(account.charge_page_file(length >> kPageShift));
  auto offset = file.allocate(length);
  if (!offset.ok()) {
    account.uncharge_page_file(length >> kPageShift);
    return Errno::ENOMEM;
  }
  auto object = make<PageObject>(file, account, *offset, length);
  if (!object.ok()) {
    file.free(*offset, length);
    account.uncharge_page_file(length >> kPageShift);
  }
  return object;
}

PageObject::~PageObject() {
  file_.free(offset_, length_);
  account_.uncharge_page_file(length_ >> kPageShift);
}

}  // namespace lodge
