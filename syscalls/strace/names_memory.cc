// Names of what memory calls take.
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>

#include "syscalls/strace/names_tables.h"

namespace lodge::strace {
namespace {

#define N STRACE_NAME

constexpr Name kProt[] = {N(PROT_READ),    N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN),
                          N(PROT_GROWSUP), N(PROT_SEM),   N(PROT_NONE)};
constexpr Name kMmap[] = {N(MAP_SHARED_VALIDATE), N(MAP_SHARED),    N(MAP_PRIVATE),   N(MAP_FIXED),
                          N(MAP_ANONYMOUS),       N(MAP_32BIT),     N(MAP_NORESERVE), N(MAP_POPULATE),
                          N(MAP_NONBLOCK),        N(MAP_GROWSDOWN), N(MAP_DENYWRITE), N(MAP_LOCKED),
                          N(MAP_STACK),           N(MAP_HUGETLB),   N(MAP_SYNC),      N(MAP_FIXED_NOREPLACE)};
constexpr Name kMremap[] = {N(MREMAP_MAYMOVE), N(MREMAP_FIXED), N(MREMAP_DONTUNMAP)};
constexpr Name kMsync[] = {N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC)};
constexpr Name kMlock[] = {N(MLOCK_ONFAULT)};
constexpr Name kMlockall[] = {N(MCL_CURRENT), N(MCL_FUTURE), N(MCL_ONFAULT)};
constexpr Name kMembarrierFlags[] = {N(MEMBARRIER_CMD_FLAG_CPU)};
constexpr Name kMembarrier[] = {N(MEMBARRIER_CMD_QUERY),
                                N(MEMBARRIER_CMD_GLOBAL),
                                N(MEMBARRIER_CMD_GLOBAL_EXPEDITED),
                                N(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
                                N(MEMBARRIER_CMD_PRIVATE_EXPEDITED),
                                N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED),
                                N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE),
                                N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)};
constexpr Name kPolicyFlags[] = {N(MPOL_F_NODE), N(MPOL_F_ADDR), N(MPOL_F_MEMS_ALLOWED)};
constexpr Name kPolicies[] = {N(MPOL_DEFAULT), N(MPOL_PREFERRED), N(MPOL_BIND), N(MPOL_INTERLEAVE),
                              N(MPOL_LOCAL)};
constexpr Name kMadvise[] = {
    N(MADV_NORMAL),         N(MADV_RANDOM),     N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED),
    N(MADV_FREE),           N(MADV_REMOVE),     N(MADV_DONTFORK),   N(MADV_DOFORK),   N(MADV_MERGEABLE),
    N(MADV_UNMERGEABLE),    N(MADV_HUGEPAGE),   N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP),
    N(MADV_WIPEONFORK),     N(MADV_KEEPONFORK), N(MADV_COLD),       N(MADV_PAGEOUT),  N(MADV_POPULATE_READ),
    N(MADV_POPULATE_WRITE), N(MADV_HWPOISON)};
#undef N

}  // namespace

NameTable names_of(MmapProtTag*) {
  return {kProt, "PROT_???"};
}
NameTable names_of(MmapFlagsTag*) {
  return {kMmap, "MAP_???"};
}
NameTable names_of(MremapFlagsTag*) {
  return {kMremap, "MREMAP_???"};
}
NameTable names_of(MsyncFlagsTag*) {
  return {kMsync, "MS_???"};
}
NameTable names_of(MlockFlagsTag*) {
  return {kMlock, "MLOCK_???"};
}
NameTable names_of(MlockallFlagsTag*) {
  return {kMlockall, "MCL_???"};
}
NameTable names_of(MembarrierFlagsTag*) {
  return {kMembarrierFlags, "MEMBARRIER_CMD_FLAG_???"};
}
NameTable names_of(MembarrierCommand*) {
  return {kMembarrier, "MEMBARRIER_CMD_???", false};
}
NameTable names_of(MempolicyFlagsTag*) {
  return {kPolicyFlags, "MPOL_F_???"};
}
NameTable names_of(MempolicyMode*) {
  return {kPolicies, "MPOL_???", false};
}
NameTable names_of(MadviseAdvice*) {
  return {kMadvise, "MADV_???", false};
}

}  // namespace lodge::strace
