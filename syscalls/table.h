// The dispatch table made from table.def.
#pragma once
#include <array>
#include <cstdint>

#include "syscalls/types.h"

namespace lodge {

enum class Support : uint8_t { kMissing, kRefused, kPartial, kFull };

struct SyscallRow {
  using Handler = Result<SyscallReturn> (*)(Task&, const uint64_t* args);
  const char* name = nullptr;
  Handler handler = nullptr;
  Support support = Support::kMissing;
  Errno refusal = Errno::ENOSYS;
  const char* note = "";
};

constexpr unsigned kSyscallCount = 463;
extern const std::array<SyscallRow, kSyscallCount> kSyscallTable;

}  // namespace lodge
