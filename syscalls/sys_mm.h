// System calls on memory (kernel/mm).
#pragma once
#include "syscalls/types.h"

namespace lodge {

using MremapFlags = FlagWord<struct MremapFlagsTag>;
using MsyncFlags = FlagWord<struct MsyncFlagsTag>;
using MlockFlags = FlagWord<struct MlockFlagsTag>;
using MlockallFlags = FlagWord<struct MlockallFlagsTag>;
using MembarrierFlags = FlagWord<struct MembarrierFlagsTag>;
using MempolicyFlags = FlagWord<struct MempolicyFlagsTag>;
struct NewAddress : Address {  // behind the flags
  static bool present(const uint64_t* args, unsigned index) { return (args[index - 1] & 2) != 0; }
};
struct UserResidence : UserOutBuffer {};  // a byte per page
using FileOffset = Named<struct FileOffsetTag, uint64_t>;
struct MadviseAdvice {
  int32_t v;
};
struct MembarrierCommand {
  int32_t v;
};
struct MempolicyMode {
  int32_t v;
};

Result<SyscallReturn> sys_mmap(Task&, Address addr, uint64_t length, MmapProt, MmapFlags, Fd,
                               FileOffset offset);
Result<SyscallReturn> sys_munmap(Task&, Address addr, uint64_t length);
Result<SyscallReturn> sys_mprotect(Task&, Address addr, uint64_t length, MmapProt);
Result<SyscallReturn> sys_pkey_mprotect(Task&, Address addr, uint64_t length, MmapProt, int32_t pkey);
Result<SyscallReturn> sys_mremap(Task&, Address old_addr, uint64_t old_length, uint64_t new_length,
                                 MremapFlags, NewAddress new_addr);
Result<SyscallReturn> sys_brk(Task&, Address end);
Result<SyscallReturn> sys_madvise(Task&, Address addr, uint64_t length, MadviseAdvice);
Result<SyscallReturn> sys_msync(Task&, Address addr, uint64_t length, MsyncFlags);
Result<SyscallReturn> sys_mincore(Task&, Address addr, uint64_t length, UserResidence out);
Result<SyscallReturn> sys_mlock(Task&, Address addr, uint64_t length);
Result<SyscallReturn> sys_mlock2(Task&, Address addr, uint64_t length, MlockFlags);
Result<SyscallReturn> sys_munlock(Task&, Address addr, uint64_t length);
Result<SyscallReturn> sys_mlockall(Task&, MlockallFlags);
Result<SyscallReturn> sys_munlockall(Task&);
Result<SyscallReturn> sys_membarrier(Task&, MembarrierCommand, MembarrierFlags, int32_t cpu);
Result<SyscallReturn> sys_mbind(Task&, Address addr, uint64_t length, MempolicyMode, UserIn<uint64_t> nodes,
                                uint64_t max_node, MempolicyFlags);
Result<SyscallReturn> sys_set_mempolicy(Task&, MempolicyMode, UserIn<uint64_t> nodes, uint64_t max_node);
Result<SyscallReturn> sys_get_mempolicy(Task&, UserOut<int32_t> mode, UserOut<uint64_t> nodes,
                                        uint64_t max_node, Address addr, MempolicyFlags);

}  // namespace lodge
