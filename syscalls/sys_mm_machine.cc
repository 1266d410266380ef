// membarrier(2) and the memory policies of mbind(2), as a machine with one memory node answers them.
#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "syscalls/sys_mm.h"

namespace lodge {
namespace {

enum : int32_t {
  kMembarrierQuery = 0,
  kMembarrierPrivate = 1 << 3,
  kMembarrierRegisterPrivate = 1 << 4,
  kMembarrierSyncCore = 1 << 5,
  kMembarrierRegisterSyncCore = 1 << 6,
};

constexpr int32_t kPolicyDefault = 0, kPolicyPreferred = 1, kPolicyBind = 2, kPolicyInterleave = 3,
                  kPolicyLocal = 4, kPolicyPreferredMany = 5, kPolicyModeFlags = 7 << 13;
constexpr uint32_t kPolicyNode = 1, kPolicyAddr = 2, kPolicyMemsAllowed = 4, kMbindFlags = 7,
                   kMbindMoveAll = 4;
constexpr uint64_t kMaxNodeBits = 8 * kPageSize;

// The nodes of a policy: of the bits that are given, none but that of node 0 may be set.
Result<bool> names_node_zero(UserIn<uint64_t> nodes, uint64_t max_node) {
  if (nodes.null() || max_node <= 1) return false;
  uint64_t bits = max_node - 1;  // the kernel's own reading of maxnode: one less than said
  if (bits > kMaxNodeBits) return Errno::EINVAL;
  bool zero = false;
  for (uint64_t i = 0; i * 64 < bits; i++) {
    uint64_t word = TRY(nodes.get(i));
    if (bits - i * 64 < 64) word &= (uint64_t{1} << (bits - i * 64)) - 1;
    if (i == 0) zero = (word & 1) != 0;
    if ((i == 0 ? word & ~uint64_t{1} : word) != 0) return Errno::EINVAL;
  }
  return zero;
}

Result<void> check_policy(int32_t mode, UserIn<uint64_t> nodes, uint64_t max_node) {
  bool zero = TRY(names_node_zero(nodes, max_node));
  switch (mode & ~kPolicyModeFlags) {
    case kPolicyDefault:
    case kPolicyLocal:
      if (zero) return Errno::EINVAL;
      return {};
    case kPolicyPreferred:  // none: local
      return {};
    case kPolicyBind:
    case kPolicyInterleave:
    case kPolicyPreferredMany:
      if (!zero) return Errno::EINVAL;
      return {};
    default:
      return Errno::EINVAL;
  }
}

}  // namespace

// A guest process is a host process, so the host's barrier is the one. The global commands would need one
// across all processes of the VPS and are not offered.
Result<SyscallReturn> sys_membarrier(Task& task, MembarrierCommand command, MembarrierFlags flags, int32_t) {
  if (flags.bits != 0) return Errno::EINVAL;
  switch (command.v) {
    case kMembarrierQuery:
      return kMembarrierPrivate | kMembarrierRegisterPrivate | kMembarrierSyncCore |
             kMembarrierRegisterSyncCore;
    case kMembarrierRegisterPrivate:
    case kMembarrierRegisterSyncCore:
      TRY(host::membarrier(command.v));
      task.mm().membarriers.fetch_or(command.v, std::memory_order_relaxed);
      return 0;
    case kMembarrierPrivate:
    case kMembarrierSyncCore:
      if (!(task.mm().membarriers.load(std::memory_order_relaxed) & command.v << 1)) return Errno::EPERM;
      TRY(host::membarrier(command.v));
      return 0;
    default:
      return Errno::EINVAL;
  }
}

Result<SyscallReturn> sys_mbind(Task& task, Address addr, uint64_t length, MempolicyMode mode,
                                UserIn<uint64_t> nodes, uint64_t max_node, MempolicyFlags flags) {
  if (flags.bits & ~kMbindFlags) return Errno::EINVAL;
  if (flags.has(kMbindMoveAll) && !task.cred().capable(Cap::kSysNice)) return Errno::EPERM;
  if (!page_aligned(addr)) return Errno::EINVAL;
  TRY(check_policy(mode.v, nodes, max_node));
  uint64_t end = addr + page_ceil(length);
  if (end < addr) return Errno::EINVAL;
  if (!task.mm().is_mapped(addr, end)) return Errno::EFAULT;
  return 0;
}

Result<SyscallReturn> sys_set_mempolicy(Task&, MempolicyMode mode, UserIn<uint64_t> nodes,
                                        uint64_t max_node) {
  TRY(check_policy(mode.v, nodes, max_node));
  return 0;
}

// There is one node, so whatever was set, memory comes from it: the answer is always the default policy.
Result<SyscallReturn> sys_get_mempolicy(Task& task, UserOut<int32_t> mode, UserOut<uint64_t> nodes,
                                        uint64_t max_node, Address addr, MempolicyFlags flags) {
  if (flags.bits & ~(kPolicyNode | kPolicyAddr | kPolicyMemsAllowed)) return Errno::EINVAL;
  if (!nodes.null() && max_node < 1) return Errno::EINVAL;
  bool allowed = flags.has(kPolicyMemsAllowed);
  if (allowed && flags.has(kPolicyNode | kPolicyAddr)) return Errno::EINVAL;
  if (flags.has(kPolicyAddr)) {
    if (!task.mm().is_mapped(addr, addr + 1)) return Errno::EFAULT;
  } else if (addr != 0 || (flags.has(kPolicyNode) && !allowed)) {
    return Errno::EINVAL;  // the node of the next allocation: only under an interleaving policy
  }
  if (!mode.null()) TRY(mode.put(kPolicyDefault));
  if (!nodes.null()) {
    TRY(nodes.put(allowed ? 1 : 0));
    uint64_t bytes = (max_node - 1 + 63) / 64 * 8;
    if (bytes > 8) TRY(clear_user(nodes.addr + 8, bytes - 8));
  }
  return 0;
}

}  // namespace lodge
