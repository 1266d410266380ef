// The strings of an execve, gathered in one growing block of arena.
#include <algorithm>

#include "kernel/loader/exec.h"

namespace lodge {

Result<void> ExecStrings::grow(size_t needed) {
  if (needed > kMaxTotal) return Errno::E2BIG;
  if (needed <= capacity_) return {};
  size_t capacity = capacity_ ? capacity_ : 4096;
  while (capacity < needed) capacity *= 2;
  constexpr size_t kHotBytes = 16 << 10;  // as most programs' are; there is room for few larger ones
  char* bigger = static_cast<char*>(arena_alloc(capacity, capacity <= kHotBytes ? Heat::kHot : Heat::kCold));
  if (!bigger) return Errno::ENOMEM;
  __builtin_memcpy(bigger, data_, size_);
  arena_free(data_);
  data_ = bigger;
  capacity_ = capacity;
  return {};
}

void ExecStrings::swap(ExecStrings& o) {
  std::swap(data_, o.data_);
  std::swap(size_, o.size_);
  std::swap(capacity_, o.capacity_);
  std::swap(count, o.count);
}

Result<void> ExecStrings::add(std::string_view s) {
  if (s.size() >= kMaxString) return Errno::E2BIG;
  TRY(grow(size_ + s.size() + 1));
  __builtin_memcpy(data_ + size_, s.data(), s.size());
  data_[size_ + s.size()] = 0;
  size_ += s.size() + 1;
  count++;
  return {};
}

Result<void> ExecStrings::add_from_user(UserAddr s) {
  size_t room = std::min<size_t>(256, kMaxTotal - size_);
  for (;;) {
    TRY(grow(size_ + room));
    auto n = string_from_user(data_ + size_, s, room);
    if (n.ok()) {
      size_ += *n + 1;
      count++;
      return {};
    }
    if (n.error() != Errno::ENAMETOOLONG) return n.error();
    size_t more = std::min({room * 4, kMaxString, kMaxTotal - size_});
    if (more <= room) return Errno::E2BIG;
    room = more;
  }
}

Result<uint32_t> ExecStrings::add_list(UserAddr list) {
  uint32_t n = 0;
  if (list == 0) return n;
  for (;; n++) {
    uint64_t s = TRY(load_user64(list + uint64_t{n} * 8));
    if (s == 0) return n;
    TRY(add_from_user(s));
  }
}

}  // namespace lodge
