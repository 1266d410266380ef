// sysfs(5): the virtual processors and the one memory node, for those who count them there (glibc's
// sysconf(3), lscpu, numactl), and the empty folders that programs expect.
#pragma once
#include "vfs/core/vfs.h"

namespace lodge {

void register_sysfs(Vfs& vfs);

}  // namespace lodge
