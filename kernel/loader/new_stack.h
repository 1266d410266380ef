// The stack of a new program: strings, auxiliary vector, environment and argument pointers (psABI, "Process
// Initialization"; getauxval(3)).
#pragma once
#include "kernel/loader/exec.h"

namespace lodge {

struct NewStack {
  const ExecRequest& request;
  const MappedElf& program;
  const MappedElf& interpreter;
  bool secure;
};
// Maps and fills it; returns the initial stack pointer.
Result<uint64_t> build_stack(Task& task, const NewStack& s, uint32_t prot);

}  // namespace lodge
