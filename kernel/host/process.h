// Host processes and threads of a VPS, as the platform makes and ends them, and the registers that belong to
// a host thread. Each call is one that the outer wall lets through, or is made before it stands.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/result.h"

struct sock_filter;

namespace lodge::host {

// Before the wall: no_new_privs, then the filter. Errors are the host's.
Result<void> raise_filter(std::span<sock_filter> program);

// clone(2) as a process of its own, or as a thread of the calling one; the new context begins in
// start(argument) on its stack. `tid_word` is cleared by the host when the new thread is gone while others
// still use its memory, and for a thread set to its tid before either side goes on. Returns the tid.
Result<int32_t> clone_process(uint64_t stack_top, void* tid_word, void (*start)(void*), void* argument);
Result<int32_t> clone_thread(uint64_t stack_top, void* tid_word, void (*start)(void*), void* argument);

// SIGKILL when the thread that made the zygote ends.
void die_with_parent();
[[noreturn]] void exit_process(int status);

// The segment bases of the calling thread; `v` is an address below kGuestEnd, or for gs that of the slot. The
// thread's fs base is set from its own context, with the guest's memory there.
uint64_t read_fs_base();
void write_fs_base(uint64_t v);
void write_gs_base(uint64_t v);
// Where patched sites jump to on this host.
uint64_t fast_gate_address();

}  // namespace lodge::host
