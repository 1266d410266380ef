// Which table of names belongs to which argument type: names_of(tag) for each Tag of FlagWord and Named, and
// for the small structs that hold one number. A new type wants a line here and a table beside its like.
#pragma once
#include "syscalls/handlers.h"
#include "syscalls/strace/names.h"

namespace lodge::strace {

struct NameTable {
  Names names;
  const char* unknown;  // comment beside a number that has no name
  bool flags = true;    // bits, else one of a list
};

// names_file.cc
NameTable names_of(OpenFlagsTag*);
NameTable names_of(AtFlagsTag*);
NameTable names_of(FcntlCommand*);
NameTable names_of(IoctlCommand*);
NameTable names_of(SeekWhence*);
NameTable names_of(AccessMode*);
NameTable names_of(FlockOperationTag*);
NameTable names_of(FileAdviceTag*);
NameTable names_of(FallocateModeTag*);
NameTable names_of(SyncRangeFlagsTag*);
NameTable names_of(RenameFlagsTag*);
NameTable names_of(MountFlagsTag*);
NameTable names_of(UmountFlagsTag*);
NameTable names_of(CloseRangeFlagsTag*);
NameTable names_of(MemfdFlagsTag*);
NameTable names_of(RwFlagsTag*);
NameTable names_of(SpliceFlagsTag*);
NameTable names_of(StatxMaskTag*);
NameTable names_of(XattrFlagsTag*);
NameTable names_of(PipeFlagsTag*);
NameTable names_of(DupFlagsTag*);
NameTable unlink_flag_names();
NameTable link_flag_names();
NameTable file_system_names();
// names_event.cc
NameTable names_of(EpollCreateFlagsTag*);
NameTable names_of(EpollOp*);
NameTable names_of(EventFdFlagsTag*);
NameTable names_of(SignalFdFlagsTag*);
NameTable names_of(TimerFdFlagsTag*);
NameTable names_of(TimerFdSetFlagsTag*);
NameTable names_of(ClockId*);
NameTable names_of(TimerFlagsTag*);
NameTable names_of(ItimerWhichTag*);
NameTable poll_event_names();
NameTable epoll_event_names();
// names_memory.cc
NameTable names_of(MmapProtTag*);
NameTable names_of(MmapFlagsTag*);
NameTable names_of(MremapFlagsTag*);
NameTable names_of(MsyncFlagsTag*);
NameTable names_of(MlockFlagsTag*);
NameTable names_of(MlockallFlagsTag*);
NameTable names_of(MembarrierFlagsTag*);
NameTable names_of(MembarrierCommand*);
NameTable names_of(MempolicyFlagsTag*);
NameTable names_of(MempolicyMode*);
NameTable names_of(MadviseAdvice*);
// names_process.cc
NameTable names_of(CloneFlagsTag*);
NameTable names_of(WaitOptionsTag*);
NameTable names_of(FutexOpTag*);
NameTable names_of(ArchPrctlCodeTag*);
NameTable names_of(PrctlOptionTag*);
NameTable names_of(ResourceIdTag*);
NameTable names_of(UsageOfTag*);
NameTable names_of(SigmaskHowTag*);
NameTable names_of(WaitIdTypeTag*);
NameTable names_of(SchedulerPolicyTag*);
NameTable names_of(PriorityOfTag*);
NameTable names_of(SyslogActionTag*);
NameTable names_of(GetrandomFlagsTag*);
NameTable signal_action_flag_names();
NameTable signal_stack_flag_names();
NameTable signal_code_names(int signo);

inline void put_named(Formatter& out, const NameTable& t, uint64_t value) {
  if (t.flags)
    put_flags(out, t.names, value, t.unknown);
  else
    put_name(out, t.names, value, t.unknown);
}

}  // namespace lodge::strace
