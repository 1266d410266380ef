// From the boot loader's jump to the first guest process.
//
//   lodge_kernel_entry (entry.S)  on a stack at the end of the arena
//   kernel_main                   formats the arena, makes the parts of the kernel, becomes the zygote:
//   signal handlers,
//                                 alternate stack, outer wall; then makes the kernel-thread process and the
//                                 first task as clones of itself, and serves requests for fresh processes
//                                 (zygote.h)
//   init_main                     in process 1: executes userland/init, which the kernel's file carries,
//                                 or with --init becomes:
//   command_main                  in process 2: opens the console, executes the command
#pragma once
#include "kernel/base/result.h"
#include "kernel/mailbox/mailbox.h"

namespace lodge {

class Task;

// Ends the VPS before it runs: one line for the user.
[[noreturn]] void boot_failed(const char* what, const char* detail = "");

void raise_outer_wall(const mailbox::BootInfo& boot);

void kernel_threads_main();     // kthreads.cc: the kernel-thread process
void init_main(Task& task);     // init.cc
void command_main(Task& task);  // command.cc

}  // namespace lodge
