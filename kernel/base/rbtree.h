// An intrusive red-black tree, with room for augmentation: a value that each element keeps about its subtree
// (the lowest vruntime, the largest gap), brought up to date wherever the tree changes. The tree owns
// nothing; its lock is the caller's. Elements derive from RbNode, or from a class derived from it when they
// are in several trees:
//
//   struct ByStart : RbNode {};
//   struct Vma : ByStart { uint64_t start, end, max_end; };
//   struct ByStartOrder {
//     static bool less(const Vma& a, const Vma& b) { return a.start < b.start; }
//     static void update(Vma& v, const Vma* left, const Vma* right) { … }  // only if augmented
//   };
//   RbTree<Vma, ByStartOrder, ByStart> vmas;
//
// Equal elements stay in order of insertion.
#pragma once
#include <cstdint>

namespace lodge {

struct RbNode {
  enum class State : uint8_t { kOut, kRed, kBlack };
  RbNode* parent = nullptr;
  RbNode* left = nullptr;
  RbNode* right = nullptr;
  State state = State::kOut;
  bool linked() const { return state != State::kOut; }
};

// The part that does not depend on the element's type. `update` (may be nullptr) recomputes a node's
// augmentation from itself and its children.
class RbTreeBase {
 public:
  using Update = void (*)(RbNode*);

  bool empty() const { return root_ == nullptr; }
  static RbNode* next_of(const RbNode* n);
  static RbNode* previous_of(const RbNode* n);

 protected:
  void link(RbNode* node, RbNode* parent, RbNode** place, Update update);
  void unlink(RbNode* node, Update update);
  RbNode* leftmost() const;
  RbNode* rightmost() const;
  static void update_up(RbNode* node, Update update);

  RbNode* root_ = nullptr;

 private:
  void replace(RbNode* old, RbNode* with);
  void rotate(RbNode* top, bool to_left, Update update);
  void fix_after_link(RbNode* node, Update update);
  void fix_after_unlink(RbNode* node, RbNode* parent, Update update);
};

template <typename T, typename Order, typename Node = RbNode>
class RbTree : public RbTreeBase {
 public:
  RbTree() = default;
  RbTree(const RbTree&) = delete;
  RbTree& operator=(const RbTree&) = delete;

  void insert(T& e) {
    RbNode *parent = nullptr, **place = &root_;
    while (*place) {
      parent = *place;
      place = Order::less(e, *element(parent)) ? &parent->left : &parent->right;
    }
    link(node(e), parent, place, kUpdate);
  }
  void erase(T& e) { unlink(node(e), kUpdate); }

  T* first() const { return element(leftmost()); }
  T* last() const { return element(rightmost()); }
  static T* next(const T& e) { return element(next_of(node(e))); }
  static T* previous(const T& e) { return element(previous_of(node(e))); }

  // The first element for which before(element) is false; all for which it is true must come before all
  // others.
  template <typename F>
  T* lower_bound(F before) const {
    RbNode *n = root_, *found = nullptr;
    while (n) {
      if (before(*element(n))) {
        n = n->right;
      } else {
        found = n;
        n = n->left;
      }
    }
    return element(found);
  }

  // For descents of the caller's own, guided by the augmentation.
  T* root() const { return element(root_); }
  static T* left(const T& e) { return element(node(e)->left); }
  static T* right(const T& e) { return element(node(e)->right); }
  // An element's own contribution to the augmentation has changed; its place in the order has not.
  void changed(T& e) { update_up(node(e), kUpdate); }

 private:
  static constexpr bool kAugmented = requires(T & e, const T* child) { Order::update(e, child, child); };
  static RbNode* node(const T& e) { return const_cast<Node*>(static_cast<const Node*>(&e)); }
  static T* element(RbNode* n) { return n ? static_cast<T*>(static_cast<Node*>(n)) : nullptr; }
  static void update_node(RbNode* n) {
    if constexpr (kAugmented) Order::update(*element(n), element(n->left), element(n->right));
  }
  static constexpr Update kUpdate = kAugmented ? &update_node : nullptr;
};

}  // namespace lodge
