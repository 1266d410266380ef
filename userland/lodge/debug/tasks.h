// The tasks of a VPS and their kernel stacks, as they stand in its arena. The arena is hostile
// (arena_reader.h): slots are found by looking through its 64 KiB pieces, not by following the kernel's
// lists; a stack is walked only upwards, inside its slot, and for kMaxFrames. What changes while it is read
// shows as it was at some moment, or not at all.
//
// Unwinding goes by frame pointers: the kernel keeps them in every function, a parked context leaves only its
// frame, and an interpreter of unwind tables, fed from memory that a hostile kernel writes, would be much
// more to trust for nothing more to see.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "userland/lodge/debug/arena_reader.h"
#include "userland/lodge/debug/kernel_image.h"

namespace lodge {

struct TaskView {
  bool kernel_thread = false;
  int32_t pid = 0, tid = 0;  // of a guest's task
  char state = '?';          // as ps(1) has it
  bool in_guest = false;     // not in the kernel at all
  int32_t cpu = -1;
  uint64_t user_ns = 0, system_ns = 0;
  std::string name;
  std::string waits_in;          // the function that waits
  std::vector<uint64_t> frames;  // return addresses, innermost first; of what waits
};

std::vector<TaskView> read_tasks(const ArenaReader& arena, const KernelImage& kernel);

// What `lodge debug ps` and `lodge debug stacks` print.
std::string format_task_list(const std::vector<TaskView>& tasks);
std::string format_stacks(const std::vector<TaskView>& tasks, const KernelImage& kernel);

}  // namespace lodge
