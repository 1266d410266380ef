// An intrusive doubly linked list. A node is a base class or a member of the element; an element may be in
// several lists by having several nodes, told apart by Tag. The list owns nothing. Callers hold the lock of
// the list.
#pragma once
#include <cstddef>

namespace lodge {

template <typename Tag = void>
struct ListNode {
  ListNode* prev = nullptr;
  ListNode* next = nullptr;
  bool linked() const { return next != nullptr; }
  void unlink() {
    prev->next = next;
    next->prev = prev;
    prev = next = nullptr;
  }
};

template <typename T, typename Tag = void>  // T derives from ListNode<Tag>
class List {
 public:
  using Node = ListNode<Tag>;
  List() { head_.prev = head_.next = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next == &head_; }
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next); }
  T* back() { return empty() ? nullptr : static_cast<T*>(head_.prev); }
  void push_back(T& e) { insert(head_.prev, &e); }
  void push_front(T& e) { insert(&head_, &e); }
  void insert_before(T& position, T& e) { insert(static_cast<Node&>(position).prev, &e); }
  static void remove(T& e) { static_cast<Node&>(e).unlink(); }
  T* pop_front() {
    T* e = front();
    if (e) remove(*e);
    return e;
  }
  T* next(T& e) {
    Node* n = static_cast<Node&>(e).next;
    return n == &head_ ? nullptr : static_cast<T*>(n);
  }
  void splice_back(List& o) {  // moves all of o to the end of this list
    if (o.empty()) return;
    Node *first = o.head_.next, *last = o.head_.prev;
    o.head_.prev = o.head_.next = &o.head_;
    first->prev = head_.prev;
    head_.prev->next = first;
    last->next = &head_;
    head_.prev = last;
  }

  // Iteration tolerates removal of the element that the iterator stands on.
  class Iterator {
   public:
    Iterator(Node* n) : n_(n), next_(n->next) {}
    T& operator*() const { return *static_cast<T*>(n_); }
    Iterator& operator++() {
      n_ = next_;
      next_ = n_->next;
      return *this;
    }
    bool operator!=(const Iterator& o) const { return n_ != o.n_; }

   private:
    Node *n_, *next_;
  };
  Iterator begin() { return Iterator(head_.next); }
  Iterator end() { return Iterator(&head_); }

 private:
  static void insert(Node* after, Node* n) {
    n->prev = after;
    n->next = after->next;
    after->next->prev = n;
    after->next = n;
  }
  Node head_;
};

}  // namespace lodge
