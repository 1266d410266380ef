#include "kernel/base/rbtree.h"

#include "kernel/base/panic.h"

namespace lodge {
namespace {

using State = RbNode::State;

bool is_red(const RbNode* n) {
  return n && n->state == State::kRed;
}

}  // namespace

RbNode* RbTreeBase::leftmost() const {
  RbNode* n = root_;
  while (n && n->left) n = n->left;
  return n;
}

RbNode* RbTreeBase::rightmost() const {
  RbNode* n = root_;
  while (n && n->right) n = n->right;
  return n;
}

RbNode* RbTreeBase::next_of(const RbNode* n) {
  if (n->right) {
    RbNode* r = n->right;
    while (r->left) r = r->left;
    return r;
  }
  while (n->parent && n == n->parent->right) n = n->parent;
  return n->parent;
}

RbNode* RbTreeBase::previous_of(const RbNode* n) {
  if (n->left) {
    RbNode* l = n->left;
    while (l->right) l = l->right;
    return l;
  }
  while (n->parent && n == n->parent->left) n = n->parent;
  return n->parent;
}

void RbTreeBase::update_up(RbNode* node, Update update) {
  if (!update) return;
  for (; node; node = node->parent) update(node);
}

// Puts `with` (may be null) where `old` hangs on its parent.
void RbTreeBase::replace(RbNode* old, RbNode* with) {
  RbNode* parent = old->parent;
  (!parent ? root_ : parent->left == old ? parent->left : parent->right) = with;
  if (with) with->parent = parent;
}

// Lets the child opposite to the direction take the place of `top`. The set below the place stays the same,
// so only the two that change places are updated.
void RbTreeBase::rotate(RbNode* top, bool to_left, Update update) {
  RbNode* up = to_left ? top->right : top->left;
  RbNode*& inner = to_left ? up->left : up->right;
  (to_left ? top->right : top->left) = inner;
  if (inner) inner->parent = top;
  replace(top, up);
  inner = top;
  top->parent = up;
  if (update) {
    update(top);
    update(up);
  }
}

void RbTreeBase::link(RbNode* node, RbNode* parent, RbNode** place, Update update) {
  DEBUG_ASSERT(!node->linked());
  node->parent = parent;
  node->left = node->right = nullptr;
  node->state = State::kRed;
  *place = node;
  update_up(node, update);
  fix_after_link(node, update);
}

void RbTreeBase::fix_after_link(RbNode* node, Update update) {
  while (is_red(node->parent)) {
    RbNode* parent = node->parent;
    RbNode* grandparent = parent->parent;  // exists: a red node is not the root
    bool left = parent == grandparent->left;
    RbNode* uncle = left ? grandparent->right : grandparent->left;
    if (is_red(uncle)) {
      parent->state = uncle->state = State::kBlack;
      grandparent->state = State::kRed;
      node = grandparent;
      continue;
    }
    if (node == (left ? parent->right : parent->left)) {
      rotate(parent, left, update);
      parent = node;
    }
    parent->state = State::kBlack;
    grandparent->state = State::kRed;
    rotate(grandparent, !left, update);
    break;
  }
  root_->state = State::kBlack;
}

void RbTreeBase::unlink(RbNode* node, Update update) {
  DEBUG_ASSERT(node->linked());
  State removed = node->state;
  RbNode *child, *parent;  // what moves up, and the node whose subtree gets shorter
  if (!node->left || !node->right) {
    child = node->left ? node->left : node->right;
    parent = node->parent;
    replace(node, child);
  } else {
    RbNode* successor = node->right;
    while (successor->left) successor = successor->left;
    removed = successor->state;
    child = successor->right;
    parent = successor;
    if (successor->parent != node) {
      parent = successor->parent;
      replace(successor, child);
      successor->right = node->right;
      successor->right->parent = successor;
    }
    replace(node, successor);
    successor->left = node->left;
    successor->left->parent = successor;
    successor->state = node->state;
  }
  update_up(parent, update);
  if (removed == State::kBlack) fix_after_unlink(child, parent, update);
  *node = RbNode();
}

// Every path through `node` (below `parent`, may be null) lacks one black node.
void RbTreeBase::fix_after_unlink(RbNode* node, RbNode* parent, Update update) {
  while (parent && !is_red(node)) {
    bool left = node == parent->left;
    RbNode* sibling = left ? parent->right : parent->left;  // exists: its side has a black node more
    if (is_red(sibling)) {
      sibling->state = State::kBlack;
      parent->state = State::kRed;
      rotate(parent, left, update);
      sibling = left ? parent->right : parent->left;
    }
    RbNode* near = left ? sibling->left : sibling->right;
    RbNode* far = left ? sibling->right : sibling->left;
    if (!is_red(near) && !is_red(far)) {
      sibling->state = State::kRed;
      node = parent;
      parent = node->parent;
      continue;
    }
    if (!is_red(far)) {
      near->state = State::kBlack;
      sibling->state = State::kRed;
      rotate(sibling, !left, update);
      far = sibling;
      sibling = near;
    }
    sibling->state = parent->state;
    parent->state = State::kBlack;
    far->state = State::kBlack;
    rotate(parent, left, update);
    return;
  }
  if (node) node->state = State::kBlack;
}

}  // namespace lodge
