// Random numbers of the kernel itself: addresses, stack canaries (AT_RANDOM).
#pragma once
#include <cstdint>

namespace lodge {
uint64_t random_u64();
}
