// What kernel/task keeps in the Kernel object: made once at boot, before the first task.
#pragma once
#include "kernel/base/result.h"

namespace lodge {

// The slots, the pid table, futex buckets and the host name (which boot sets, kernel/base/uts.h).
Result<void> init_tasks();

}  // namespace lodge
