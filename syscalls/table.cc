// Expands table.def.
#include "syscalls/table.h"

#include "syscalls/decode.h"
#include "syscalls/handlers.h"

namespace lodge {

const SyscallRow kSyscallTable[kSyscallCount] = {
#define SYSCALL(number, name, level, note) \
  [number] = {#name, &Decoded<&sys_##name>::call, Support::level, Errno::ENOSYS, note},
#define REFUSED(number, name, error, reason) \
  [number] = {#name, nullptr, Support::kRefused, Errno::error, reason},
#define MISSING(number, name) [number] = {#name, nullptr, Support::kMissing, Errno::ENOSYS, ""},
#include "syscalls/table.def"
#undef SYSCALL
#undef REFUSED
#undef MISSING
};

}  // namespace lodge
