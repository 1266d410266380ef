#include "vfs/tmpfs/page_map.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "kernel/mm/page_file.h"

namespace lodge {
namespace {

constexpr uint64_t kWordBits = 64;

// Calls f(word, mask) for the bits [from, to) of a bitmap.
template <typename F>
void for_each_word(uint64_t* bits, uint64_t from, uint64_t to, F f) {
  while (from < to) {
    uint64_t in_word = std::min(kWordBits - from % kWordBits, to - from);
    uint64_t mask = (in_word == kWordBits ? ~0ull : (1ull << in_word) - 1) << (from % kWordBits);
    f(bits[from / kWordBits], mask);
    from += in_word;
  }
}

// The first bit in [from, to) that is `value`, or `to`.
uint64_t find_bit(const uint64_t* bits, uint64_t from, uint64_t to, bool value) {
  while (from < to) {
    uint64_t word = value ? bits[from / kWordBits] : ~bits[from / kWordBits];
    word &= ~0ull << (from % kWordBits);
    from &= ~(kWordBits - 1);
    if (word) return std::min(from + static_cast<uint64_t>(std::countr_zero(word)), to);
    from += kWordBits;
  }
  return to;
}

}  // namespace

PageMap::~PageMap() {
  ASSERT(extents_.empty());
}

void PageMap::free_extent(Extent* e) {
  arena_free(e);
}

// The first extent that ends behind `page`.
PageMap::Extent* PageMap::at_or_after(uint64_t page) const {
  return extents_.lower_bound([&](const Extent& e) { return e.end() <= page; });
}

PageMap::Run PageMap::find(uint64_t page, uint64_t max_pages) const {
  Extent* e = at_or_after(page);
  if (!e) return {false, 0, max_pages};
  if (page < e->first) return {false, 0, std::min(max_pages, e->first - page)};
  return {true, e->host_offset + (page - e->first) * kPageSize, std::min(max_pages, e->end() - page)};
}

Result<PageMap::Run> PageMap::place(PageFile& file, uint64_t page, uint64_t max_pages, bool& fresh) {
  Run run = find(page, max_pages);
  if (run.placed) return run;
  Extent* next = at_or_after(page);
  Extent* previous = next ? Tree::previous(*next) : extents_.last();
  uint64_t length = std::clamp(std::bit_ceil(std::max(total_, max_pages)), kMinPages, kMaxPages);
  uint64_t first = page & ~(length - 1);
  if (previous) first = std::max(first, previous->end());
  uint64_t end = first + length;
  if (next) end = std::min(end, next->first);
  if (end <= page) end = page + 1;
  uint64_t words = (end - first + kWordBits - 1) / kWordBits;
  void* p = arena_alloc(sizeof(Extent) + words * sizeof(uint64_t));
  if (!p) return Errno::ENOMEM;
  auto host_offset = file.allocate((end - first) * kPageSize);
  if (!host_offset.ok()) {
    arena_free(p);
    return host_offset.error();
  }
  auto* e = new (p) Extent;
  std::memset(e->bits, 0, words * sizeof(uint64_t));
  e->first = first;
  e->pages = end - first;
  e->host_offset = *host_offset;
  extents_.insert(*e);
  total_ += e->pages;
  fresh = true;
  return find(page, max_pages);
}

uint64_t PageMap::count_clear(uint64_t page, uint64_t pages) const {
  Extent* e = at_or_after(page);
  uint64_t n = 0;
  for_each_word(e->bits, page - e->first, page - e->first + pages, [&](uint64_t& word, uint64_t mask) {
    n += static_cast<uint64_t>(std::popcount(~word & mask));
  });
  return n;
}

void PageMap::set(uint64_t page, uint64_t pages) {
  Extent* e = at_or_after(page);
  for_each_word(e->bits, page - e->first, page - e->first + pages,
                [](uint64_t& word, uint64_t mask) { word |= mask; });
}

void PageMap::set_mapped(uint64_t page) {
  at_or_after(page)->mapped = true;
}

PageMap::Cleared PageMap::clear_next(uint64_t page, uint64_t end) {
  Cleared c;
  Extent* e = at_or_after(page);
  if (!e || page >= end || e->first >= end) return c;
  uint64_t from = std::max(page, e->first), to = std::min(end, e->end());
  for_each_word(e->bits, from - e->first, to - e->first, [&](uint64_t& word, uint64_t mask) {
    c.freed += static_cast<uint64_t>(std::popcount(word & mask));
    word &= ~mask;
  });
  c.any = true;
  c.host_offset = e->host_offset + (from - e->first) * kPageSize;
  c.pages = to - from;
  c.next_page = to;
  if (from == e->first && to == e->end()) {
    c.whole_extent = true;
    extents_.erase(*e);
    total_ -= e->pages;
    free_extent(e);
  }
  return c;
}

uint64_t PageMap::next_data(uint64_t page, uint64_t end) const {
  for (Extent* e = at_or_after(page); e && e->first < end; e = Tree::next(*e)) {
    uint64_t from = std::max(page, e->first);
    if (e->mapped) return from;
    uint64_t found = e->first + find_bit(e->bits, from - e->first, e->pages, true);
    if (found < e->end()) return std::min(found, end);
  }
  return end;
}

uint64_t PageMap::next_hole(uint64_t page, uint64_t end) const {
  while (page < end) {
    Extent* e = at_or_after(page);
    if (!e || page < e->first) return page;
    if (e->mapped) {
      page = e->end();
      continue;
    }
    uint64_t found = e->first + find_bit(e->bits, page - e->first, e->pages, false);
    if (found < e->end()) return std::min(found, end);
    page = e->end();
  }
  return end;
}

}  // namespace lodge
