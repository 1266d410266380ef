// The tree of vmas and the search for holes.
#include "kernel/mm/vma_tree.h"

#include <algorithm>

namespace lodge {

uint64_t Vma::gap_below() const {
  uint64_t floor = below ? below->end : 0;
  uint64_t top = start;
  if (has(kVmaGrowsDown)) top -= std::min(top, kStackGuardGap);
  return top > floor ? top - floor : 0;
}

void VmaTree::Order::update(Vma& v, const Vma* left, const Vma* right) {
  v.max_gap = v.gap_below();
  if (left) v.max_gap = std::max(v.max_gap, left->max_gap);
  if (right) v.max_gap = std::max(v.max_gap, right->max_gap);
}

Vma* VmaTree::find(uint64_t addr) const {
  return tree_.lower_bound([&](const Vma& v) { return v.end <= addr; });
}

// Gaps are counted to the vma above them: whoever changes an end tells that one.
void VmaTree::insert(Vma& v) {
  v.above = find(v.start);
  v.below = v.above ? v.above->below : last_;
  (v.below ? v.below->above : first_) = &v;
  (v.above ? v.above->below : last_) = &v;
  size_++;
  tree_.insert(v);
  if (v.above) tree_.changed(*v.above);
}

void VmaTree::append(Vma& v) {
  v.below = last_;
  v.above = nullptr;
  (last_ ? last_->above : first_) = &v;
  last_ = &v;
  size_++;
  tree_.insert(v);
}

Vma* VmaTree::take_all() {
  Vma* all = first_;
  new (&tree_) Tree();
  first_ = last_ = nullptr;
  size_ = 0;
  return all;
}

void VmaTree::erase(Vma& v) {
  Vma* above = v.above;
  (v.below ? v.below->above : first_) = above;
  (above ? above->below : last_) = v.below;
  size_--;
  tree_.erase(v);
  v.below = v.above = nullptr;
  if (above) tree_.changed(*above);
}

void VmaTree::set_range(Vma& v, uint64_t start, uint64_t end) {
  bool end_moves = v.end != end;
  v.start = start;
  v.end = end;
  tree_.changed(v);
  if (end_moves && v.above) tree_.changed(*v.above);
}

struct HoleSearch {
  uint64_t length, align, low, high;

  // The highest fitting address in the gap [bottom, top), or 0.
  uint64_t fit(uint64_t bottom, uint64_t top) const {
    bottom = std::max(bottom, low);
    top = std::min(top, high);
    if (top < bottom || top - bottom < length) return 0;
    uint64_t at = (top - length) & ~(align - 1);
    return at >= bottom ? at : 0;
  }
};

// Right before left: the highest hole wins. Subtrees that lie outside [low, high) or lack a gap of the size
// are not entered, so all but the nodes along the two bounds lead to a hit. Depth is the tree's, at most 32.
uint64_t VmaTree::search(const Vma* v, const HoleSearch& hole) const {
  if (!v || v->max_gap < hole.length) return 0;
  if (v->end < hole.high)
    if (uint64_t at = search(Tree::right(*v), hole)) return at;
  uint64_t bottom = v->below ? v->below->end : 0;
  if (uint64_t at = hole.fit(bottom, bottom + v->gap_below())) return at;
  return bottom > hole.low ? search(Tree::left(*v), hole) : 0;
}

uint64_t VmaTree::find_hole(uint64_t length, uint64_t align, uint64_t low, uint64_t high) const {
  HoleSearch hole{length, align, low, high};
  if (uint64_t at = hole.fit(last_ ? last_->end : 0, high)) return at;
  return search(tree_.root(), hole);
}

}  // namespace lodge
