// The arena of a unit test. `ArenaScope scope;` makes one, current for this thread, and takes it down again;
// other threads of the test join it with `ArenaScope::Join join(scope);`. Several scopes are several kernels.
#pragma once
#include <cstddef>

#include "kernel/base/arena.h"

namespace lodge {

class ArenaScope {
 public:
  explicit ArenaScope(size_t size = 64 << 20);
  ~ArenaScope();
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  Arena& arena() { return *arena_; }
  size_t active_objects();  // in all slab caches: equal before and after means nothing leaked

  class Join {
   public:
    explicit Join(ArenaScope& scope);
    ~Join();

   private:
    Arena* previous_;
  };

 private:
  void* mapping_;
  size_t mapping_size_;
  Arena* arena_;
  Arena* previous_;
};

}  // namespace lodge
