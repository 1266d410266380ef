// The head of a slab, at the start of its block. Private to slab.cc and arena.cc.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/list.h"

namespace lodge {

struct Slab : ListNode<> {
  static constexpr size_t kWords = 4;
  static constexpr size_t kMaxObjects = kWords * 64;

  uint8_t* start() { return reinterpret_cast<uint8_t*>(this); }

  uint64_t free[kWords] = {};  // bit i: object i is free
  uint16_t cache = 0;
  uint16_t used = 0;
  uint16_t next = 0;  // where the search for a free one begins under AddressSanitizer
};
static_assert(sizeof(Slab) == 56 || sizeof(Slab) == 64);

}  // namespace lodge
