// VmaTree: the vmas of one address space in order of address. A balanced tree that knows the largest gap of
// each subtree, so that finding a vma and finding a hole are O(log n); neighbours are linked as well. Owns
// nothing. Caller: Mm, under its locks.
#pragma once
#include <cstddef>

#include "kernel/base/rbtree.h"
#include "kernel/mm/vma.h"

namespace lodge {

class VmaTree {
 public:
  Vma* first() const { return first_; }
  Vma* last() const { return last_; }
  size_t size() const { return size_; }
  // The lowest vma that ends above `addr`: the one that has it, or the next.
  Vma* find(uint64_t addr) const;
  // The one that has `addr`, or null.
  Vma* at(uint64_t addr) const {
    Vma* v = find(addr);
    return v && v->start <= addr ? v : nullptr;
  }
  // The lowest that overlaps [start, end), or null.
  Vma* overlapping(uint64_t start, uint64_t end) const {
    Vma* v = find(start);
    return v && v->start < end ? v : nullptr;
  }
  void insert(Vma& v);  // overlaps none
  void append(Vma& v);  // above all others
  void erase(Vma& v);
  // Forgets all; the first of a chain by `above`, which the caller now has.
  Vma* take_all();
  // Moves the bounds of one vma; it may not come to overlap a neighbour.
  void set_range(Vma& v, uint64_t start, uint64_t end);

  // The highest address in [low, high) where `length` bytes are free, a multiple of `align`; 0 if there is
  // none.
  uint64_t find_hole(uint64_t length, uint64_t align, uint64_t low, uint64_t high) const;

 private:
  struct Order {
    static bool less(const Vma& a, const Vma& b) { return a.start < b.start; }
    static void update(Vma& v, const Vma* left, const Vma* right);
  };
  using Tree = RbTree<Vma, Order>;
  uint64_t search(const Vma* subtree, const struct HoleSearch& hole) const;

  Tree tree_;
  Vma* first_ = nullptr;
  Vma* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lodge
