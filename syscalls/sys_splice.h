// Moving bytes between pipes and files: splice(2), tee(2), vmsplice(2).
#pragma once
#include "syscalls/sys_fs_rw.h"

namespace lodge {

using SpliceFlags = FlagWord<struct SpliceFlagsTag>;

Result<SyscallReturn> sys_splice(Task&, Fd in, UserOffset in_offset, Fd out, UserOffset out_offset,
                                 uint64_t count, SpliceFlags);
Result<SyscallReturn> sys_tee(Task&, Fd in, Fd out, uint64_t count, SpliceFlags);
Result<SyscallReturn> sys_vmsplice(Task&, Fd, UserIovecs, uint64_t count, SpliceFlags);

}  // namespace lodge
