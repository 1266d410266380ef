// The kernel's one system call instruction. The outer wall knows the address behind it (host_syscall_ip).

  .text
  .globl host_syscall, host_syscall_ip, host_syscall_clone, host_exit_thread
// long host_syscall(number, a, b, c, d, e, f)
host_syscall:
  mov   %rdi, %rax
  mov   %rsi, %rdi
  mov   %rdx, %rsi
  mov   %rcx, %rdx
  mov   %r8, %r10
  mov   %r9, %r8
  mov   8(%rsp), %r9
  push  %rbx
  lea   1f(%rip), %rbx
  jmp   the_syscall
1:
  pop   %rbx
  ret

// rbx = where to go on; the child of a clone comes out here on its new stack with rbx as its parent had it.
the_syscall:
  syscall
host_syscall_ip:
  jmp   *%rbx

// long host_syscall_clone(flags, stack_top, parent_tid, child_tid, child_entry, child_argument): the child starts in
// child_entry(child_argument) on its own stack and never comes back.
host_syscall_clone:
  push  %rbx
  push  %r12
  push  %r13
  mov   %r8, %r12
  mov   %r9, %r13
  mov   %rcx, %r10
  mov   $56, %eax
  xor   %r8d, %r8d
  lea   1f(%rip), %rbx
  jmp   the_syscall
1:
  test  %rax, %rax
  jz    2f
  pop   %r13
  pop   %r12
  pop   %rbx
  ret
2:
  xor   %ebp, %ebp
  mov   %r13, %rdi
  call  *%r12
  ud2

// host_exit_thread(word): stores 0 to *word if it is not null, then ends this host thread without touching its stack.
host_exit_thread:
  test  %rdi, %rdi
  jz    1f
  movl  $0, (%rdi)
1:
  mov   $60, %eax
  xor   %edi, %edi
  lea   1b(%rip), %rbx
  jmp   the_syscall

  .section .note.GNU-stack, "", @progbits
