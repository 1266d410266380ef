// What kernel/mm asks of tasks (task_hooks.h), where a test has none. To be included once in a program.
#pragma once
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"

namespace lodge {

bool is_current_mm(const Mm&) {
  return true;
}
bool call_threads(Mm&) {
  return false;
}
void move_frames(Mm&, const FrameMover&) {}

}  // namespace lodge
