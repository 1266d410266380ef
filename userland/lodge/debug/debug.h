// `lodge debug`: looks into running VPSs of this user from outside. Exit code 0, or 125. May throw Failure.
#pragma once

namespace lodge {

enum class DebugView {
  kTasks,   // ps: one line per task
  kStacks,  // stacks: each task's kernel stack
};

struct DebugOptions {
  DebugView view;
  int pid;  // the `lodge run` process to look into; 0: the only one there is
};

int cmd_debug(const DebugOptions& options);

}  // namespace lodge
