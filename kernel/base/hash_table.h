// An intrusive hash table with chains. The table owns its buckets, not its elements; its lock is the
// caller's. It doubles its buckets when they fill, and goes on with longer chains when there is no memory for
// that.
//
//   struct ById : HashNode {};
//   struct Segment : ById { uint32_t id; };
//   struct ByIdKey {
//     static uint32_t key(const Segment& s) { return s.id; }
//     static uint64_t hash(uint32_t id) { return hash_u64(id); }
//   };
//   HashTable<Segment, ByIdKey, ById> segments;   // then TRY(segments.init(64))
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "kernel/base/result.h"

namespace lodge {

// Multiplication spreads the low bits upwards; tables take their index from the top.
constexpr uint64_t hash_u64(uint64_t n) {
  n ^= n >> 32;
  return n * 0x9e3779b97f4a7c15ull;
}
constexpr uint64_t hash_bytes(std::string_view s, uint64_t seed = 0) {
  uint64_t h = seed ^ (s.size() * 0x9e3779b97f4a7c15ull);
  for (char c : s) h = (std::rotl(h, 5) ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15ull;
  return h;
}

struct HashNode {
  HashNode* next = nullptr;
  HashNode** place = nullptr;  // what points here; nullptr: in no table
  uint64_t hash = 0;
  bool hashed() const { return place != nullptr; }
};

template <typename T, typename Key, typename Node = HashNode>
class HashTable {
 public:
  HashTable() = default;
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  ~HashTable() { arena_free(buckets_); }

  // Before anything else; `buckets` is rounded up to a power of two.
  Result<void> init(size_t buckets) {
    auto bits = static_cast<unsigned>(std::bit_width(buckets < 2 ? 1 : buckets - 1));
    buckets_ = make_buckets(bits);
    if (!buckets_) return Errno::ENOMEM;
    bits_ = bits;
    return {};
  }

  size_t size() const { return size_; }
  size_t bucket_count() const { return size_t{1} << bits_; }

  void insert(T& e) {
    Node& n = e;
    DEBUG_ASSERT(!n.hashed());
    if (size_ >= bucket_count()) grow();
    n.hash = Key::hash(Key::key(e));
    push(buckets_[n.hash >> (64 - bits_)], n);
    size_++;
  }
  void erase(T& e) {
    Node& n = e;
    DEBUG_ASSERT(n.hashed());
    *n.place = n.next;
    if (n.next) n.next->place = n.place;
    n.next = nullptr;
    n.place = nullptr;
    size_--;
  }
  template <typename K>
  T* find(const K& key) const {
    uint64_t hash = Key::hash(key);
    for (HashNode* n = buckets_[hash >> (64 - bits_)]; n; n = n->next)
      if (n->hash == hash && Key::key(*element(n)) == key) return element(n);
    return nullptr;
  }
  // f may erase the element that it is given.
  template <typename F>
  void for_each(F f) {
    for (size_t i = 0; i < bucket_count(); i++)
      for (HashNode *n = buckets_[i], *next; n; n = next) {
        next = n->next;
        f(*element(n));
      }
  }

 private:
  static T* element(HashNode* n) { return static_cast<T*>(static_cast<Node*>(n)); }
  static HashNode** make_buckets(unsigned bits) {
    auto* b = static_cast<HashNode**>(arena_alloc(sizeof(HashNode*) << bits));
    if (b)
      for (size_t i = 0; i < size_t{1} << bits; i++) b[i] = nullptr;
    return b;
  }
  static void push(HashNode*& head, HashNode& n) {
    n.next = head;
    n.place = &head;
    if (head) head->place = &n.next;
    head = &n;
  }
  void grow() {
    HashNode** bigger = make_buckets(bits_ + 1);
    if (!bigger) return;
    for (size_t i = 0; i < bucket_count(); i++)
      for (HashNode *n = buckets_[i], *next; n; n = next) {
        next = n->next;
        push(bigger[n->hash >> (63 - bits_)], *n);
      }
    arena_free(buckets_);
    buckets_ = bigger;
    bits_++;
  }

  HashNode** buckets_ = nullptr;
  unsigned bits_ = 0;
  size_t size_ = 0;
};

}  // namespace lodge
