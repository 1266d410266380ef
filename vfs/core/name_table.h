// NameTable: the entries of a directory that a file system keeps in the arena (tmpfs, the changes of an
// overlay).
//
// Entries are ordered by a hash of their names, which is also their position for readdir, so that additions
// and removals during a listing neither repeat nor hide another entry. Names of one hash take the next free
// positions. Lock: the directory's dir_lock.
#pragma once
#include <string_view>

#include "kernel/base/arena.h"
#include "kernel/base/rbtree.h"
#include "kernel/file/inode.h"

namespace lodge {

class NameTable {
 public:
  static constexpr uint64_t kFirstCookie = 2;  // after "." and ".."
  static constexpr uint64_t kEndCookie = 1ull << 62;

  struct Entry : RbNode {
    uint64_t cookie = 0;
    RefPtr<Inode> inode;
    bool covers_lower = false;  // overlay: the layer below has the name too
    uint16_t length = 0;
    char text[];
    std::string_view name() const { return {text, length}; }
  };

  NameTable() = default;
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;
  ~NameTable() { clear(); }

  // An entry of no table yet, so that what can fail comes before anything changes.
  static Result<UniquePtr<Entry>> make(std::string_view name);
  Entry* find(std::string_view name) const;
  Result<Entry*> insert(UniquePtr<Entry> e);  // ENOSPC: too many names of one hash
  // Its inode is let go as well.
  void erase(Entry& e);
  bool empty() const { return entries_.empty(); }
  Entry* first() const { return entries_.first(); }
  static Entry* next(const Entry& e) { return Tree::next(e); }
  Entry* at_or_after(uint64_t cookie) const {
    return entries_.lower_bound([&](const Entry& x) { return x.cookie < cookie; });
  }
  // Takes all entries of another table, which need not be findable afterwards (teardown of a tree without
  // recursion).
  void absorb(NameTable& other);
  void clear();

 private:
  struct Order {
    static bool less(const Entry& a, const Entry& b) { return a.cookie < b.cookie; }
  };
  using Tree = RbTree<Entry, Order>;
  Tree entries_;
};

}  // namespace lodge
