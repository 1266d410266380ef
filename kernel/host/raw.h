// The assembly side of kernel/host: syscall.S, gate.S, user_copy.S. Only kernel/host and the platform include
// this.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/host/trap_frame.h"

extern "C" {
long host_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);
extern char host_syscall_ip[];
long host_syscall_clone(unsigned long flags, uint64_t stack_top, void* parent_tid, void* child_tid,
                        void (*child)(void*), void* argument);
[[noreturn]] void host_exit_thread(void* word);

void fast_gate_by_thread();  // where the host has no FSGSBASE; below fast_gate, and a part of it
extern char gate_pushed_rax[], gate_popped_rax[];
void fast_gate();
extern char gate_saved[], gate_exit_begin[], gate_exit_end[], gate_xrstor[], gate_iretq[],
    gate_on_kernel_stack[];
void host_signal_entry();
extern char host_resume_xrstor[];
void host_restorer();
[[noreturn]] void gate_leave(lodge::TrapFrame* frame);
[[noreturn]] void switch_stack_and_call(uint64_t stack_top, void (*f)(void*), void* argument);
void xsave_to(void* area, uint64_t mask);

size_t user_copy_raw(void* dst, const void* src, size_t n);
size_t user_clear_raw(void* dst, size_t n);
long user_string_raw(char* dst, const char* src, size_t max);
int user_load32_raw(const void* addr, uint32_t* out);
int user_load64_raw(const void* addr, uint64_t* out);
int user_store32_raw(void* addr, uint32_t v);
int user_store64_raw(void* addr, uint64_t v);
int user_cmpxchg32_raw(void* addr, uint32_t expected, uint32_t desired, uint32_t* found);
extern char user_access_begin[], user_access_end[];
void user_fault_thunk();
struct UserFixup {
  uint64_t at, go_on;
};
extern const UserFixup user_fixups_begin[], user_fixups_end[];

// Answered by the platform:
void gate_syscall(lodge::TrapFrame* frame);                      // a system call by the fast path
void gate_trap(lodge::TrapFrame* frame);                         // what host_signal noted
void gate_work(lodge::TrapFrame* frame);                         // pending work before the return
lodge::TrapFrame* host_signal(int signo, void* info, void* uc);  // on the alternate stack
uint64_t resolve_user_fault(uint64_t ip);                        // where to go on
}
