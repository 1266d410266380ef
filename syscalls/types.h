// Argument types of system call handlers. A handler is `Result<SyscallReturn> sys_name(Task&, args…)`; its
// parameter types say how the six registers are decoded, how --strace prints them, what the generated docs
// say and what the argument fuzzer feeds. Add a type here rather than decode by hand in a handler.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/result.h"
#include "kernel/host/user_copy.h"

namespace lodge {

class Task;

// What a handler returns: a value for rax, or the word that the registers are already as they shall be
// (sigreturn, a successful execve).
class SyscallReturn {
 public:
  SyscallReturn() = default;
  template <typename T>
  requires std::is_integral_v<T> SyscallReturn(T v) : value_(static_cast<int64_t>(v)) {}
  static SyscallReturn registers_set() {
    SyscallReturn r;
    r.registers_set_ = true;
    return r;
  }
  int64_t value() const { return value_; }
  bool sets_registers() const { return registers_set_; }

 private:
  int64_t value_ = 0;
  bool registers_set_ = false;
};

struct Fd {  // a file descriptor number; negative and AT_FDCWD are the handler's to judge
  int32_t v;
};
struct DirFd {  // as Fd, AT_FDCWD allowed
  int32_t v;
};
struct UserString {  // NUL-terminated, in guest memory
  UserAddr addr;
};
struct UserBuffer {  // bytes from the guest; its length is the next argument
  UserAddr addr;
};
struct UserOutBuffer : UserBuffer {  // bytes to the guest: as many as the call returns
  static constexpr bool kFilledByKernel = true;
};
struct Address {  // a place in guest memory that the call names but does not read or write
  UserAddr addr;
  operator UserAddr() const { return addr; }
};

template <typename T>
struct UserIn {  // the guest's T, read by the kernel
  UserAddr addr;
  bool null() const { return addr == 0; }
  Result<T> get() const { return get_user<T>(addr); }
  Result<T> get(size_t index) const { return get_user<T>(addr + index * sizeof(T)); }
};
template <typename T>
struct UserOut {  // a T that the kernel fills
  static constexpr bool kFilledByKernel = true;
  UserAddr addr;
  bool null() const { return addr == 0; }
  Result<void> put(const T& v) const { return put_user(addr, v); }
};
template <typename T>
struct UserInOut : UserIn<T> {
  Result<void> put(const T& v) const { return put_user(this->addr, v); }
};

// A word of flag bits with a meaning that the strace printer knows by Tag.
template <typename Tag, typename Int = uint32_t>
struct FlagWord {
  using Word = Int;
  Int bits;
  bool has(Int mask) const { return (bits & mask) != 0; }
};
// A number whose values have names that the strace printer knows by Tag.
template <typename Tag, typename Int = int32_t>
struct Named {
  Int v;
  operator Int() const { return v; }
};
using OpenFlags = FlagWord<struct OpenFlagsTag>;
using AtFlags = FlagWord<struct AtFlagsTag>;
using FileMode = FlagWord<struct FileModeTag>;
using Permissions = FlagWord<struct PermissionsTag>;  // of chmod(2) and mkdir(2): no type
// A type with present() stands for an argument that the call has only if those before it say so.
struct OpenMode : FileMode {  // behind the flags
  static bool present(const uint64_t* args, unsigned index) {
    constexpr uint64_t kOCreat = 0100, kOTmpfileBit = 020000000;
    return (args[index - 1] & (kOCreat | kOTmpfileBit)) != 0;
  }
};
using Hex32 = Named<struct Hex32Tag, uint32_t>;  // a word without names
using CloneFlags = FlagWord<struct CloneFlagsTag, uint64_t>;
using WaitOptions = FlagWord<struct WaitOptionsTag>;
using FutexOp = FlagWord<struct FutexOpTag>;
using MmapProt = FlagWord<struct MmapProtTag>;
using MmapFlags = FlagWord<struct MmapFlagsTag>;

struct Signo {
  int32_t v;
};

}  // namespace lodge
