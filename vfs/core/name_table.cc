#include "vfs/core/name_table.h"

#include <bit>
#include <cstring>

namespace lodge {
namespace {

constexpr uint64_t kProbes = 64;  // how far behind its hash a name may stand

uint64_t cookie_of(std::string_view name) {
  uint64_t h = name.size();
  for (char c : name) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15;
    h = std::rotl(h, 23);
  }
  h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9;
  return h % (NameTable::kEndCookie - 2 * kProbes) + NameTable::kFirstCookie;
}

}  // namespace

Result<UniquePtr<NameTable::Entry>> NameTable::make(std::string_view name) {
  void* p = arena_alloc(sizeof(Entry) + name.size());
  if (!p) return Errno::ENOMEM;
  auto* e = new (p) Entry;
  e->cookie = cookie_of(name);
  e->length = static_cast<uint16_t>(name.size());
  std::memcpy(e->text, name.data(), name.size());
  return UniquePtr<Entry>(e);
}

NameTable::Entry* NameTable::find(std::string_view name) const {
  if (entries_.empty()) return nullptr;
  uint64_t cookie = cookie_of(name);
  for (Entry* e = at_or_after(cookie); e && e->cookie < cookie + kProbes; e = next(*e))
    if (e->name() == name) return e;
  return nullptr;
}

Result<NameTable::Entry*> NameTable::insert(UniquePtr<Entry> e) {
  uint64_t last = e->cookie + kProbes;
  for (Entry* other = at_or_after(e->cookie); other && other->cookie == e->cookie; other = next(*other))
    if (++e->cookie == last) return Errno::ENOSPC;
  entries_.insert(*e);
  return e.release();
}

void NameTable::erase(Entry& e) {
  entries_.erase(e);
  destroy(&e);
}

void NameTable::absorb(NameTable& other) {
  if (&other == this) return;
  while (Entry* e = other.first()) {
    other.entries_.erase(*e);
    entries_.insert(*e);
  }
}

void NameTable::clear() {
  while (Entry* e = first()) erase(*e);
}

}  // namespace lodge
