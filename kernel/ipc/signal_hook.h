// What ipc asks of the signal code, which lies above it (kernel/task defines this).
#pragma once

namespace lodge {

class Thread;

// SIGPIPE for the calling thread itself, as write(2) on a pipe or socket without reader sends it.
void send_sigpipe(Thread& self);

}  // namespace lodge
