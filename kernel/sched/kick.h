// kick(): makes a running thread look at its pending bits soon. A thread that waits is woken with wake() instead.
#pragma once

namespace lodge {
class Thread;
// Nothing happens if the thread does not run at the moment: it looks at its pending bits before it next does.
void kick(Thread& t);
}  // namespace lodge
