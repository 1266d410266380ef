// Expands table.def.
#include "syscalls/table.h"

#include "syscalls/decode.h"
#include "syscalls/handlers.h"

namespace lodge {
namespace {

constexpr std::array<SyscallRow, kSyscallCount> make_table() {
  std::array<SyscallRow, kSyscallCount> t{};
#define SYSCALL(number, name, level, note) \
  t[number] = {#name, &Decoded<&sys_##name>::call, Support::level, Errno::ENOSYS, note};
#define REFUSED(number, name, error, reason) \
  t[number] = {#name, nullptr, Support::kRefused, Errno::error, reason};
#define MISSING(number, name) t[number] = {#name, nullptr, Support::kMissing, Errno::ENOSYS, ""};
#include "syscalls/table.def"
#undef SYSCALL
#undef REFUSED
#undef MISSING
  return t;
}

}  // namespace

constinit const std::array<SyscallRow, kSyscallCount> kSyscallTable = make_table();

}  // namespace lodge
