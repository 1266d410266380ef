// kick(): makes a running thread look at its pending bits soon. A thread that waits is woken with wake()
// instead.
#pragma once

namespace lodge {
class Thread;
// Nothing happens if the thread does not run at the moment: it looks at its pending bits before it next does.
void kick(Thread& t);
// Called by a thread that has waited, before it goes on: pending work that comes before any use of guest
// memory. What is above defines it (kernel/task/mm_hooks.cc).
void before_going_on(Thread& self);
}  // namespace lodge
