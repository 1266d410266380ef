#include "kernel/host/hosted/arena_scope.h"

#include <sys/mman.h>

#include "kernel/base/asan.h"
#include "kernel/base/panic.h"

namespace lodge {
namespace {
thread_local Arena* current_arena;
}  // namespace

Arena& Arena::current() {
  ASSERT(current_arena != nullptr);
  return *current_arena;
}

ArenaScope::ArenaScope(size_t size) : mapping_size_(size + kHugePageSize), previous_(current_arena) {
  // Private, so that the forked child of a death test does not die with the parent's locks held.
  mapping_ = mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
  ASSERT(mapping_ != MAP_FAILED);
  uintptr_t base = (reinterpret_cast<uintptr_t>(mapping_) + kHugePageSize - 1) & ~(kHugePageSize - 1);
  arena_ = &Arena::format(reinterpret_cast<void*>(base), size, {});
  current_arena = arena_;
}

ArenaScope::~ArenaScope() {
  current_arena = previous_;
  asan_unpoison(mapping_, mapping_size_);
  munmap(mapping_, mapping_size_);
}

size_t ArenaScope::active_objects() {
  size_t n = 0;
  arena_->for_each_cache([&](const SlabInfo& i) { n += i.active; });
  return n;
}

ArenaScope::Join::Join(ArenaScope& scope) : previous_(current_arena) {
  current_arena = &scope.arena();
}
ArenaScope::Join::~Join() {
  current_arena = previous_;
}

}  // namespace lodge
