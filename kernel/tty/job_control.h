// What terminals ask of processes, groups and sessions, which lie above them; kernel/task defines all of it.
//
// signal_group, signal_session_leader and group_is_orphaned may be called with a terminal's lock (kTty) held.
// Numbers are process ids; 0 means none.
#pragma once
#include <cstdint>

#include "kernel/base/ref.h"

namespace lodge {

class Thread;
class Tty;

struct JobIds {
  int32_t group;
  int32_t session;
  bool leads_session;
};
JobIds job_ids(Thread& thread);

// A process's controlling terminal, inherited by fork and lost by setsid. Only the thread itself asks or sets
// its own.
RefPtr<Tty> controlling_tty(Thread& thread);
void set_controlling_tty(Thread& thread, RefPtr<Tty> tty);
// Every process of the session loses its controlling terminal. The leader keeps old_foreground: a leader that
// dies after its terminal went tells that group (take_old_foreground, once; 0 if there is none).
void clear_controlling_tty(int32_t session, int32_t old_foreground);
int32_t take_old_foreground(Thread& leader);

int32_t session_of_group(int32_t group);  // 0: there is no such group
// With all their threads' usual consequences; from the kernel (SI_KERNEL). A group or session that is gone:
// nothing.
void signal_group(int32_t group, int signo);
void signal_session_leader(int32_t session, int signo);
// No member has a parent in another group of the same session (credentials(7)).
bool group_is_orphaned(int32_t group);
bool ignores_or_blocks(Thread& thread, int signo);

}  // namespace lodge
