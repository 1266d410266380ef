// Makes the parts of the kernel above the scheduler: memory, files, terminals, the root file system.
#pragma once
#include "kernel/mailbox/mailbox.h"

namespace lodge {

void init_subsystems(const mailbox::BootInfo& boot);

}  // namespace lodge
