// Reading and writing.
#pragma once
#include "kernel/abi/uio.h"
#include "syscalls/types.h"

namespace lodge {

using RwFlags = FlagWord<struct RwFlagsTag>;
struct SeekWhence {
  int32_t v;
};
using UserIovecs = UserIn<abi::Iovec>;
struct UserOutIovecs : UserIovecs {  // what they point to is filled, as many bytes as the call returns
  static constexpr bool kFilledByKernel = true;
};
struct UserOffset : UserInOut<int64_t> {  // shown as it was and as it is
  static constexpr bool kPrintedTwice = true;
};
using FileAdvice = Named<struct FileAdviceTag>;

Result<SyscallReturn> sys_read(Task&, Fd, UserOutBuffer to, uint64_t count);
Result<SyscallReturn> sys_write(Task&, Fd, UserBuffer from, uint64_t count);
Result<SyscallReturn> sys_pread64(Task&, Fd, UserOutBuffer to, uint64_t count, int64_t offset);
Result<SyscallReturn> sys_pwrite64(Task&, Fd, UserBuffer from, uint64_t count, int64_t offset);
Result<SyscallReturn> sys_readv(Task&, Fd, UserOutIovecs, uint64_t count);
Result<SyscallReturn> sys_writev(Task&, Fd, UserIovecs, uint64_t count);
Result<SyscallReturn> sys_preadv(Task&, Fd, UserOutIovecs, uint64_t count, int64_t offset);
Result<SyscallReturn> sys_pwritev(Task&, Fd, UserIovecs, uint64_t count, int64_t offset);
// The high half of the offset is in the next argument, and unused on 64 bits.
Result<SyscallReturn> sys_preadv2(Task&, Fd, UserOutIovecs, uint64_t count, int64_t offset, uint64_t high,
                                  RwFlags);
Result<SyscallReturn> sys_pwritev2(Task&, Fd, UserIovecs, uint64_t count, int64_t offset, uint64_t high,
                                   RwFlags);
Result<SyscallReturn> sys_lseek(Task&, Fd, int64_t offset, SeekWhence);
Result<SyscallReturn> sys_sendfile(Task&, Fd out, Fd in, UserOffset offset, uint64_t count);
Result<SyscallReturn> sys_copy_file_range(Task&, Fd in, UserOffset in_offset, Fd out, UserOffset out_offset,
                                          uint64_t count, uint32_t flags);
Result<SyscallReturn> sys_readahead(Task&, Fd, int64_t offset, uint64_t count);
Result<SyscallReturn> sys_fadvise64(Task&, Fd, int64_t offset, int64_t length, FileAdvice advice);

}  // namespace lodge
