// Process ids: one number space for threads, processes, groups and sessions. A Pid lives while anything bears its
// number; tasks are found through it without touching the task tree.
// Lock: kTaskTree (Tasks::lock) guards the table and all lists in it.
#pragma once
#include <cstdint>

#include "kernel/base/list.h"

namespace lodge {

class Task;
class Process;

struct GroupTag;

// A process group, or a session, by its number.
struct ProcessGroup {
  int32_t id = 0;
  int32_t session = 0;
  uint32_t members = 0;
  List<Process, GroupTag> processes;
};

}  // namespace lodge
