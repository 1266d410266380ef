#include "kernel/task/task_random.h"

#include "kernel/base/random.h"

namespace lodge {

uint64_t random_u64() {
  return kernel_part<Random>().next_u64();
}

}  // namespace lodge
