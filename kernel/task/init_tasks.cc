#include "kernel/task/init_tasks.h"

#include "kernel/base/arena.h"
#include "kernel/base/uts.h"
#include "kernel/task/futex.h"
#include "kernel/task/pid.h"
#include "kernel/task/task_slot.h"

namespace lodge {
namespace {

template <typename T>
Result<void> make_part() {
  T* part = TRY(make_raw<T>());
  Kernel::current().set_part(*part);
  return {};
}

}  // namespace

Result<void> init_tasks() {
  TRY(init_task_slots());
  TRY(make_part<Tasks>());
  TRY(make_part<Futexes>());
  return make_part<UtsNames>();
}

}  // namespace lodge
