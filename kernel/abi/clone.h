// clone(2) flags and struct clone_args.
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr uint64_t kCsignal = 0xff, kCloneVm = 0x100, kCloneFs = 0x200, kCloneFiles = 0x400,
                   kCloneSighand = 0x800, kClonePidfd = 0x1000, kClonePtrace = 0x2000, kCloneVfork = 0x4000,
                   kCloneParent = 0x8000, kCloneThread = 0x10000, kCloneNewns = 0x20000,
                   kCloneSysvsem = 0x40000, kCloneSettls = 0x80000, kCloneParentSettid = 0x100000,
                   kCloneChildCleartid = 0x200000, kCloneDetached = 0x400000, kCloneUntraced = 0x800000,
                   kCloneChildSettid = 0x1000000, kCloneNewcgroup = 0x2000000, kCloneNewuts = 0x4000000,
                   kCloneNewipc = 0x8000000, kCloneNewuser = 0x10000000, kCloneNewpid = 0x20000000,
                   kCloneNewnet = 0x40000000, kCloneIo = 0x80000000, kCloneClearSighand = 0x100000000,
                   kCloneIntoCgroup = 0x200000000, kCloneNewtime = 0x80;

struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
      cgroup;
};
static_assert(sizeof(CloneArgs) == 88);

}  // namespace lodge::abi
