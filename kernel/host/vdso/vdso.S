// The vDSO that guests see (vdso(7)): an ELF of its own, built by cmake/kernel.cmake, embedded in lodge-kernel by
// vdso_image.S and mapped by kernel/host/guest_vdso.cc above all that a guest can map. It runs as guest code, on the
// guest's stack.
//
// The clocks are the host's: its own function reads them, at the place to which the zygote moved it, and what is
// relative to the boot of the VPS is moved by the bases in the page before this image (GuestVdsoData): whole seconds,
// so that one subtraction does it, the most that fits into a tenth of 20 ns. What only the kernel knows is asked for
// in the way a patched site asks: by a jump to the gate with the return address, behind a `syscall`, in rcx. The gate
// address is 0 where sites are not patched; then that `syscall` traps.
// Linux reference: arch/x86/entry/vdso/.

// GuestVdsoData (guest_vdso.h) at vdso_data.
#define HOST_CLOCK_GETTIME 0
#define HOST_GETTIMEOFDAY  8
#define HOST_TIME          16
#define GATE               24
#define MONOTONIC_BASE     32
#define RAW_BASE           40
#define READS_GS_BASE      48
// SlotHead (slot.h).
#define SLOT_VIRTUAL_CPU   64

#define CLOCK_MONOTONIC     1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_BOOTTIME      7
#define CLOCK_TAI           11
#define CLOCKS_AS_THEY_ARE  ((1 << 0) | (1 << 5))  // REALTIME, REALTIME_COARSE
#define CLOCKS_SINCE_BOOT   ((1 << 1) | (1 << 6))  // MONOTONIC, MONOTONIC_COARSE

#define NR_gettimeofday  96
#define NR_time          201
#define NR_clock_gettime 228
#define NR_clock_getres  229
#define NR_getcpu        309

  .macro FUNCTION name
  .globl __vdso_\name
  .type __vdso_\name, @function
  .weak \name
  .set \name, __vdso_\name
  .p2align 5
__vdso_\name:
  .cfi_startproc
  .endm

  .macro END_FUNCTION name
  .cfi_endproc
  .size __vdso_\name, . - __vdso_\name
  .endm

// Returns what the host says of clock edi, less so many seconds, at rsi.
  .macro RETURN_CLOCK_SINCE base
  push  %rsi
  .cfi_adjust_cfa_offset 8
  call  *vdso_data + HOST_CLOCK_GETTIME(%rip)
  pop   %rsi
  .cfi_adjust_cfa_offset -8
  mov   vdso_data + \base(%rip), %rcx
  test  %eax, %eax
  jnz   9f
  sub   %rcx, (%rsi)
9:
  ret
  .endm

// Answered by the kernel. Arguments stand where the call left them.
  .macro ASK_KERNEL number
  mov   $\number, %eax
  mov   vdso_data + GATE(%rip), %r11
  test  %r11, %r11
  jz    8f
  lea   9f(%rip), %rcx
  jmp   *%r11
8:
  syscall
9:
  ret
  .endm

  .text

// int (clockid_t edi, struct timespec *rsi)
FUNCTION clock_gettime
  cmpq  $0, vdso_data + HOST_CLOCK_GETTIME(%rip)
  je    7f
  cmp   $CLOCK_MONOTONIC, %edi
  jne   2f
1:
  RETURN_CLOCK_SINCE MONOTONIC_BASE
2:
  cmp   $CLOCK_TAI, %edi
  ja    7f
  je    5f
  mov   $CLOCKS_AS_THEY_ARE, %eax
  bt    %edi, %eax
  jc    6f
  mov   $CLOCKS_SINCE_BOOT, %eax
  bt    %edi, %eax
  jc    1b
  cmp   $CLOCK_MONOTONIC_RAW, %edi
  je    4f
  cmp   $CLOCK_BOOTTIME, %edi
  jne   7f
  mov   $CLOCK_MONOTONIC, %edi
  jmp   1b
4:
  RETURN_CLOCK_SINCE RAW_BASE
5:
  xor   %edi, %edi
6:
  jmp   *vdso_data + HOST_CLOCK_GETTIME(%rip)
7:
  ASK_KERNEL NR_clock_gettime
END_FUNCTION clock_gettime

// int (struct timeval *, struct timezone *)
FUNCTION gettimeofday
  mov   vdso_data + HOST_GETTIMEOFDAY(%rip), %rax
  test  %rax, %rax
  jz    1f
  jmp   *%rax
1:
  ASK_KERNEL NR_gettimeofday
END_FUNCTION gettimeofday

// time_t (time_t *)
FUNCTION time
  mov   vdso_data + HOST_TIME(%rip), %rax
  test  %rax, %rax
  jz    1f
  jmp   *%rax
1:
  ASK_KERNEL NR_time
END_FUNCTION time

// int (clockid_t, struct timespec *)
FUNCTION clock_getres
  ASK_KERNEL NR_clock_getres
END_FUNCTION clock_getres

// int (unsigned *cpu, unsigned *node, void *unused). The task's slot knows the virtual CPU; gs leads there unless the
// guest has taken it for itself, which is checked as the gate does; without FSGSBASE the kernel is asked.
FUNCTION getcpu
  cmpq  $0, vdso_data + READS_GS_BASE(%rip)
  je    3f
  rdgsbase %rax
  mov   %rax, %rdx
  ror   $30, %rdx
  cmp   $(0x700000000000 >> 30), %edx
  jne   3f
  test  $0xffff, %eax
  jnz   3f
  cmp   %rax, (%rax)
  jne   3f
  mov   SLOT_VIRTUAL_CPU(%rax), %edx
  test  %rdi, %rdi
  jz    1f
  mov   %edx, (%rdi)
1:
  test  %rsi, %rsi
  jz    2f
  movl  $0, (%rsi)
2:
  xor   %eax, %eax
  ret
3:
  ASK_KERNEL NR_getcpu
END_FUNCTION getcpu

  .section .note.Linux, "a", @note
  .p2align 2
  .long 2f - 1f, 4f - 3f, 0
1:
  .asciz "Linux"
2:
  .p2align 2
3:
  .long 0x060100                  // the release that uname(2) tells
4:
  .p2align 2

  .section .note.GNU-stack, "", @progbits
