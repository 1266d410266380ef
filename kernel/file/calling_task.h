// What files ask of the task whose call they serve, where the call's arguments do not carry it (ioctl).
// kernel/task, which lies above, defines these.
#pragma once
#include "kernel/base/ref.h"
#include "kernel/base/result.h"

namespace lodge {

class Cred;
class File;

const Cred& current_cred();
// A new descriptor of the calling task, close-on-exec if `file` was opened so (O_CLOEXEC in flags).
Result<long> install_in_current_task(Ref<File> file, uint32_t flags);

}  // namespace lodge
