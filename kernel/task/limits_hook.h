// The resource limits that calls below kernel/task look at (getrlimit(2)); kernel/task defines these.
#pragma once
#include <cstdint>

namespace lodge {

class Task;

uint64_t nofile_limit(Task& task);  // RLIMIT_NOFILE, the soft one

}  // namespace lodge
