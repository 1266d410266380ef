// The gate: the only way from the guest into the kernel and back, and the kernel's one system call instruction.
//
// In, fast: a patched site jumps to a stub, the stub here, with rcx = return address and eax = number. gs leads to the
//   task slot; it is the guest's to change, so it is checked before anything is written through it, and when the
//   check fails we step to the site's own `syscall` instruction, which traps: the base path is right whatever gs is.
//   Where the host lets no program read its gs base (FSGSBASE), fast_gate_by_thread looks the slot up by what stands at
//   fs:0, or at gs:0 (thread_map.h); what is not there faults or is no slot, which leads to the base path too.
//   Flags go to the guest's stack below the red zone first, because the checks change them.
// In, base: the host delivers SIGSYS (or a fault, or a kick) on the slot's alternate stack; host_signal (signals.cc)
//   copies the registers into the same trap frame and we go on on the kernel stack.
// Out: with the last look at `pending` begins a restartable range. A kick inside it goes back to gate_exit_begin: the
//   trap frame stays whole until the last instruction. Out by a jump where the register contract of `syscall` allows
//   (rcx = rip, r11 = flags), else by iretq, which loads everything at once.
//
// Faults in here are judged by address (signals.cc): from fast_gate_by_thread to gate_saved they mean that gs or the stack is
// not what we thought: base path; at gate_xrstor: the guest's vector state is malformed; at gate_iretq: its rip is.

#define FRAME_SIZE 176
#define SLOT_MASK  ~0xffff
// ThreadMap (thread_map.h).
#define THREAD_MAP      0x780000230000
#define THREAD_MAP_MODE 0x4000

  .text
  .globl fast_gate_by_thread, gate_pushed_rax, gate_popped_rax, fast_gate, gate_saved, gate_exit_begin, gate_exit_end, gate_enter_kernel, gate_xrstor, gate_iretq
  .globl gate_fault_to_base
  .type fast_gate_by_thread, @function
  .align 64
fast_gate_by_thread:              // its first two instructions are fast_gate's: undo_gate counts on it
  lea   -128(%rsp), %rsp
  pushfq
  mov   1f(%rip), %r11
  cmpl  $1, THREAD_MAP_MODE(%r11)
  jne   2f
  push  %rax
gate_pushed_rax:
  mov   %fs:0, %r11
  imul  $0x9e3779b1, %r11d, %eax
  shr   $18, %eax
  and   $0x3ff0, %eax
  add   1f(%rip), %rax
  cmp   %r11, (%rax)
  je    0f
  xor   $16, %rax
  cmp   %r11, (%rax)
  jne   gate_decline_pop
0:
  mov   8(%rax), %r11
  pop   %rax
gate_popped_rax:
  jmp   gate_check_slot
2:
  cmpl  $2, THREAD_MAP_MODE(%r11)
  jne   gate_decline
  mov   %gs:0, %r11
  jmp   gate_check_slot
  .size fast_gate_by_thread, . - fast_gate_by_thread
  .section .rodata
  .align 8
1:
  .quad THREAD_MAP
  .text

  .type fast_gate, @function
  .align 64
fast_gate:
  lea   -128(%rsp), %rsp
  pushfq
  rdgsbase %r11
gate_check_slot:
  ror   $30, %r11
  cmp   $(0x700000000000 >> 30), %r11d
  jne   gate_decline
  rol   $30, %r11
  test  $0xffff, %r11d
  jnz   gate_decline
  cmp   %r11, (%r11)
  jne   gate_decline
  mov   %rsp, 8(%r11)
  mov   16(%r11), %rsp
  .globl gate_on_kernel_stack
gate_on_kernel_stack:
  mov   %r15, 0(%rsp)
  mov   %r14, 8(%rsp)
  mov   %r13, 16(%rsp)
  mov   %r12, 24(%rsp)
  mov   %rbp, 32(%rsp)
  mov   %rbx, 40(%rsp)
  mov   %r10, 56(%rsp)
  mov   %r9, 64(%rsp)
  mov   %r8, 72(%rsp)
  mov   %rax, 80(%rsp)
  mov   %rcx, 88(%rsp)
  mov   %rdx, 96(%rsp)
  mov   %rsi, 104(%rsp)
  mov   %rdi, 112(%rsp)
  mov   %rax, 120(%rsp)
  mov   %rcx, 128(%rsp)
  movq  $0x33, 136(%rsp)
  movq  $0x2b, 160(%rsp)
  mov   8(%r11), %rax
  mov   (%rax), %rbx              // the guest's flags; another thread may have unmapped its stack: judged by address
  lea   136(%rax), %rax
  mov   %rax, 152(%rsp)
  mov   %rbx, 144(%rsp)
  mov   %rbx, 48(%rsp)
gate_saved:
  movl  $0x010000, 36(%r11)       // full_return = 0, vector_in_slot = 0, in_kernel = 1
  test  $0x44500, %ebx            // AC, NT, DF, TF: `syscall` would have cleared them
  jnz   1f
2:
  xor   %ebp, %ebp
  mov   %rsp, %rdi
  call  gate_syscall
  jmp   gate_exit_begin
1:
  pushq $2
  popfq
  movb  $1, 36(%r11)              // restored by iretq
  jmp   2b

gate_decline_pop:
  pop   %rax
// No slot was found: undo the two stack steps and use the trapping instruction, which still stands at the site.
gate_decline:
  popfq
  lea   128(%rsp), %rsp
  lea   -2(%rcx), %rcx
  jmp   *%rcx
  .size fast_gate, . - fast_gate

// rsp = trap frame. Restartable: nothing here changes the frame.
  .type gate_exit_begin, @function
  .align 16
gate_exit_begin:
  mov   %rsp, %r11
  and   $SLOT_MASK, %r11
  movb  $0, 38(%r11)
  cmpl  $0, 32(%r11)
  jne   gate_exit_work
  cmpb  $0, 36(%r11)
  jne   gate_exit_full
  mov   144(%rsp), %r11
  push  %r11
  popfq
  mov   0(%rsp), %r15
  mov   8(%rsp), %r14
  mov   16(%rsp), %r13
  mov   24(%rsp), %r12
  mov   32(%rsp), %rbp
  mov   40(%rsp), %rbx
  mov   56(%rsp), %r10
  mov   64(%rsp), %r9
  mov   72(%rsp), %r8
  mov   80(%rsp), %rax
  mov   96(%rsp), %rdx
  mov   104(%rsp), %rsi
  mov   112(%rsp), %rdi
  mov   128(%rsp), %rcx
  mov   152(%rsp), %rsp
  jmp   *%rcx

gate_exit_full:
  cmpb  $0, 37(%r11)
  je    1f
  mov   40(%r11), %eax
  mov   44(%r11), %edx
gate_xrstor:
  xrstor64 (12 << 10)(%r11)
1:
  mov   0(%rsp), %r15
  mov   8(%rsp), %r14
  mov   16(%rsp), %r13
  mov   24(%rsp), %r12
  mov   32(%rsp), %rbp
  mov   40(%rsp), %rbx
  mov   48(%rsp), %r11
  mov   56(%rsp), %r10
  mov   64(%rsp), %r9
  mov   72(%rsp), %r8
  mov   80(%rsp), %rax
  mov   88(%rsp), %rcx
  mov   96(%rsp), %rdx
  mov   104(%rsp), %rsi
  mov   112(%rsp), %rdi
  lea   128(%rsp), %rsp
gate_iretq:
  iretq
gate_exit_end:
  .size gate_exit_begin, . - gate_exit_begin

gate_exit_work:
  movb  $1, 38(%r11)
  mov   %rsp, %rdi
  call  gate_work
  jmp   gate_exit_begin

// Signal handlers of the host enter here, on the slot's alternate stack. host_signal returns the trap frame to go on
// with on the kernel stack, or null to go back to where the signal came in.
  .globl host_signal_entry
  .type host_signal_entry, @function
host_signal_entry:
  pushq $2                        // the host leaves the guest's AC and NT as they were
  popfq
  push  %rdx
  mov   %rsp, %rbp
  and   $-16, %rsp
  call  host_signal
  test  %rax, %rax
  jz    1f
  mov   %rax, %rsp
  xor   %ebp, %ebp
  mov   %rsp, %rdi
  call  gate_trap
  jmp   gate_exit_begin
1:
  mov   (%rbp), %rdi
  // fall through

// host_resume(ucontext*): back into interrupted kernel code. The vector registers hold the guest's state whenever it is
// not in the slot, so they are restored like the rest. Runs on the alternate stack: a signal in here nests below.
  .globl host_resume, host_resume_xrstor
host_resume:
  mov   %rsp, %r11
  and   $SLOT_MASK, %r11
  mov   40(%r11), %eax
  mov   44(%r11), %edx
  mov   224(%rdi), %r10
  test  %r10, %r10
  jz    1f
host_resume_xrstor:
  xrstor64 (%r10)
1:
  and   $-16, %rsp
  pushq $0x2b
  pushq 160(%rdi)                 // rsp
  pushq 176(%rdi)                 // rflags
  pushq $0x33
  pushq 168(%rdi)                 // rip
  mov   40(%rdi), %r8
  mov   48(%rdi), %r9
  mov   56(%rdi), %r10
  mov   64(%rdi), %r11
  mov   72(%rdi), %r12
  mov   80(%rdi), %r13
  mov   88(%rdi), %r14
  mov   96(%rdi), %r15
  mov   112(%rdi), %rsi
  mov   120(%rdi), %rbp
  mov   128(%rdi), %rbx
  mov   136(%rdi), %rdx
  mov   144(%rdi), %rax
  mov   152(%rdi), %rcx
  mov   104(%rdi), %rdi
  iretq

// The restorer that the host requires to be named; we never return through it.
  .globl host_restorer
host_restorer:
  ud2

// Puts a fresh context on the guest: (frame) -> never returns.
  .globl gate_leave
gate_leave:
  mov   %rdi, %rsp
  jmp   gate_exit_begin

// switch_stack_and_call(stack_top, function, argument): for contexts that start on a stack of their own.
  .globl switch_stack_and_call
switch_stack_and_call:
  mov   %rdi, %rsp
  xor   %ebp, %ebp
  mov   %rdx, %rdi
  call  *%rsi
  ud2

  .section .note.GNU-stack, "", @progbits
