// long storm_checked_syscall(const State* in, State* out, const void* site)
//
// Loads every register from *in, makes the syscall at `site`, stores every register to *out and returns what the kernel
// did. Offsets are those of State in checked.h. Each site has libc's form, `mov $nr,%eax; syscall`, so that a kernel
// which patches such sites patches these.
#include <asm/unistd.h>

#include "sites.h"

    .text

#define SITE(name)                  \
    .globl storm_site_##name;       \
    storm_site_##name:              \
    mov $__NR_##name, %eax;         \
    syscall;                        \
    jmp storm_after;
STORM_SITES(SITE)

    .globl storm_checked_syscall
    .type storm_checked_syscall, @function
storm_checked_syscall:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    sub $40, %rsp
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    stmxcsr 24(%rsp)
    fnstcw 28(%rsp)

    cmpb $0, storm_has_avx(%rip)
    je 1f
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu 192 + 32 * \i(%rdi), %ymm\i
    .endr
    jmp 2f
1:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu 192 + 32 * \i(%rdi), %xmm\i
    .endr
2:
    ldmxcsr 136(%rdi)
    fninit
    fldcw 140(%rdi)
    fldl 152(%rdi)
    fldl 144(%rdi)
    mov 8(%rdi), %rsi
    mov 16(%rdi), %rdx
    mov 24(%rdi), %r10
    mov 32(%rdi), %r8
    mov 40(%rdi), %r9
    mov 48(%rdi), %rbx
    mov 56(%rdi), %rbp
    mov 64(%rdi), %r12
    mov 72(%rdi), %r13
    mov 80(%rdi), %r14
    mov 88(%rdi), %r15
    pushq 120(%rdi)
    mov 0(%rdi), %rdi
    popfq
    jmp *16(%rsp)

storm_after:
    pushfq
    push %rax
    mov 24(%rsp), %rax
    mov %rdi, 0(%rax)
    mov %rsi, 8(%rax)
    mov %rdx, 16(%rax)
    mov %r10, 24(%rax)
    mov %r8, 32(%rax)
    mov %r9, 40(%rax)
    mov %rbx, 48(%rax)
    mov %rbp, 56(%rax)
    mov %r12, 64(%rax)
    mov %r13, 72(%rax)
    mov %r14, 80(%rax)
    mov %r15, 88(%rax)
    popq 96(%rax)
    mov %rcx, 104(%rax)
    popq 120(%rax)
    cld
    stmxcsr 136(%rax)
    fnstcw 140(%rax)
    fstpl 144(%rax)
    fstpl 152(%rax)
    fninit
    cmpb $0, storm_has_avx(%rip)
    je 3f
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\i, 192 + 32 * \i(%rax)
    .endr
    vzeroupper
    jmp 4f
3:
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\i, 192 + 32 * \i(%rax)
    .endr
4:
    ldmxcsr 24(%rsp)
    fldcw 28(%rsp)
    mov 96(%rax), %rax
    add $40, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size storm_checked_syscall, . - storm_checked_syscall

    .section .note.GNU-stack, "", @progbits
