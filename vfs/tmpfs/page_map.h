// PageMap: where the pages of one tmpfs file stand in the page file, and which of them hold data.
//
// The file is cut into extents, each one run of the page file. Their length doubles with the file, up to
// kMaxPages, so that a growing file stays in few pieces, which is what mm wants to map; the range an extent
// reserves costs nothing until it is written (the page file is sparse and reads as zeros). A bit per page
// says where data is: for st_blocks, the limits and SEEK_HOLE. A page whose bit is not set reads as zeros.
// Lock: the owner's (kInode) around every call. Host calls are made by the owner, after it.
#pragma once
#include <cstdint>

#include "kernel/base/rbtree.h"
#include "kernel/base/result.h"

namespace lodge {

class PageFile;

class PageMap {
 public:
  static constexpr uint64_t kMinPages = 16;
  static constexpr uint64_t kMaxPages = 32768;

  PageMap() = default;
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;
  ~PageMap();  // must be empty

  // A run of pages that lie together, or that have no place.
  struct Run {
    bool placed;
    uint64_t host_offset;  // of the first page, in the page file
    uint64_t pages;
  };
  Run find(uint64_t page, uint64_t max_pages) const;
  // As find, but gives the first page a place if it has none. fresh: that has happened.
  Result<Run> place(PageFile& file, uint64_t page, uint64_t max_pages, bool& fresh);

  // How many pages of a range within one extent hold no data yet; then says that all do.
  uint64_t count_clear(uint64_t page, uint64_t pages) const;
  void set(uint64_t page, uint64_t pages);
  // Says that pages of an extent may be written behind our back (a shared mapping): all of it counts as data.
  void set_mapped(uint64_t page);

  // A piece of what a hole punched into [page, end) touches, for the host to clear.
  struct Cleared {
    bool any = false;           // false: nothing left in the range
    bool whole_extent = false;  // the extent is gone from the map: give its range back
    uint64_t host_offset = 0, pages = 0;
    uint64_t freed = 0;  // pages that held data
    uint64_t next_page = 0;
  };
  // Clears the first piece of the range; called until nothing is left.
  Cleared clear_next(uint64_t page, uint64_t end);

  // The first page at or after `page` that holds data (or does not), below `end`; `end` if there is none.
  uint64_t next_data(uint64_t page, uint64_t end) const;
  uint64_t next_hole(uint64_t page, uint64_t end) const;

 private:
  struct Extent : RbNode {
    uint64_t first = 0, pages = 0;
    uint64_t host_offset = 0;
    bool mapped = false;
    uint64_t bits[];  // of `pages` pages
    uint64_t end() const { return first + pages; }
  };
  struct Order {
    static bool less(const Extent& a, const Extent& b) { return a.first < b.first; }
  };
  using Tree = RbTree<Extent, Order>;
  Extent* at_or_after(uint64_t page) const;
  static void free_extent(Extent* e);

  Tree extents_;
  uint64_t total_ = 0;  // pages that have a place
};

}  // namespace lodge
