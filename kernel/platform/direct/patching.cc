#include "kernel/platform/direct/patching.h"

namespace lodge {
void learn_site(Task&, uint64_t, uint64_t) {}
}  // namespace lodge
