// What lodge itself keeps resident while its VPS runs.
#pragma once

namespace lodge {

// Gives back what only starting up needed: pages of program text and constants (the host has them in its
// files and brings back those that are used again) and free heap. Costs a few page faults; cannot fail in a
// way that matters.
void release_start_up_memory();

}  // namespace lodge
