// devtmpfs: one tmpfs for all mounts of the type, with the nodes of the devices that the kernel has.
#pragma once
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {

// Makes the instance, fills it and registers the type.
Result<void> register_devtmpfs(Vfs& vfs);

}  // namespace lodge
