// The fast path's side of system call sites: see kernel/mm/patched_text.h.
#pragma once
#include <cstdint>

#include "kernel/task/task.h"

namespace lodge {

void learn_site(Task& self, uint64_t return_address, uint64_t number);

}  // namespace lodge
