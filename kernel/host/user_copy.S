// Accesses to guest memory. A fault between user_access_begin and user_access_end is looked at by resolve_user_fault
// (it may be a stack to grow or a page to map); if it stays a fault, execution goes on at the fixup in the table below.
// The copies return the number of bytes that were NOT copied.

  .section .rodata.user_fixups, "a"
  .globl user_fixups_begin, user_fixups_end
  .align 8
user_fixups_begin:

.macro ACCESS fixup
  .pushsection .rodata.user_fixups, "a"
  .quad 9f, \fixup
  .popsection
9:
.endm

  .text
  .globl user_access_begin, user_access_end
user_access_begin:

// size_t user_copy_raw(dst, src, n)
  .globl user_copy_raw
user_copy_raw:
  mov   %rdx, %rcx
  cmp   $16, %rdx
  jb    1f
  cmp   $64, %rdx
  ja    2f
  // 16..64 bytes: 8 at a time, the last 8 overlapping
3:
  ACCESS copy_fault
  mov   (%rsi), %rax
  ACCESS copy_fault
  mov   %rax, (%rdi)
  add   $8, %rsi
  add   $8, %rdi
  sub   $8, %rcx
  cmp   $8, %rcx
  jae   3b
  test  %rcx, %rcx
  jz    4f
  ACCESS copy_fault
  mov   -8(%rsi, %rcx), %rax
  ACCESS copy_fault
  mov   %rax, -8(%rdi, %rcx)
4:
  xor   %eax, %eax
  ret
1:
  cmp   $8, %rcx
  jb    2f
  ACCESS copy_fault
  mov   (%rsi), %rax
  ACCESS copy_fault
  mov   -8(%rsi, %rcx), %r8
  ACCESS copy_fault
  mov   %rax, (%rdi)
  ACCESS copy_fault
  mov   %r8, -8(%rdi, %rcx)
  xor   %eax, %eax
  ret
2:
  ACCESS copy_fault
  rep movsb
copy_fault:
  mov   %rcx, %rax
  ret

// size_t user_clear_raw(dst, n)
  .globl user_clear_raw
user_clear_raw:
  mov   %rsi, %rcx
  xor   %eax, %eax
  ACCESS copy_fault
  rep stosb
  mov   %rcx, %rax
  ret

// long user_string_raw(dst, src, max): length before the NUL, -1 no NUL within max, -2 fault
  .globl user_string_raw
user_string_raw:
  xor   %ecx, %ecx
1:
  cmp   %rdx, %rcx
  je    2f
  ACCESS string_fault
  movzbl (%rsi, %rcx), %eax
  mov   %al, (%rdi, %rcx)
  test  %al, %al
  jz    3f
  inc   %rcx
  jmp   1b
3:
  mov   %rcx, %rax
  ret
2:
  mov   $-1, %rax
  ret
string_fault:
  mov   $-2, %rax
  ret

// int user_load32_raw(addr, out), user_load64_raw(addr, out), user_store32_raw(addr, v), user_store64_raw(addr, v):
// 0 or -1
  .globl user_load32_raw, user_load64_raw, user_store32_raw, user_store64_raw, user_cmpxchg32_raw
user_load32_raw:
  ACCESS word_fault
  mov   (%rdi), %eax
  mov   %eax, (%rsi)
  xor   %eax, %eax
  ret
user_load64_raw:
  ACCESS word_fault
  mov   (%rdi), %rax
  mov   %rax, (%rsi)
  xor   %eax, %eax
  ret
user_store32_raw:
  ACCESS word_fault
  mov   %esi, (%rdi)
  xor   %eax, %eax
  ret
user_store64_raw:
  ACCESS word_fault
  mov   %rsi, (%rdi)
  xor   %eax, %eax
  ret
// int user_cmpxchg32_raw(addr, expected, desired, found)
user_cmpxchg32_raw:
  mov   %esi, %eax
  ACCESS word_fault
  lock cmpxchg %edx, (%rdi)
  mov   %eax, (%rcx)
  xor   %eax, %eax
  ret
word_fault:
  mov   $-1, %eax
  ret
user_access_end:

// A fault in a guest copy resumes here on the interrupted kernel stack, with the faulting address pushed as return
// address: resolve_user_fault answers where to go on.
  .globl user_fault_thunk
user_fault_thunk:
  pushfq
  push  %rax
  push  %rcx
  push  %rdx
  push  %rsi
  push  %rdi
  push  %r8
  push  %r9
  push  %r10
  push  %r11
  push  %rbp
  mov   %rsp, %rbp
  mov   88(%rbp), %rdi
  and   $-16, %rsp
  call  resolve_user_fault
  mov   %rbp, %rsp
  mov   %rax, 88(%rbp)
  pop   %rbp
  pop   %r11
  pop   %r10
  pop   %r9
  pop   %r8
  pop   %rdi
  pop   %rsi
  pop   %rdx
  pop   %rcx
  pop   %rax
  popfq
  ret

// Vector state. xsave_to(area, mask), xrstor is gate.S's. init state is made in C from a cleared area.
  .globl xsave_to
xsave_to:
  mov   %esi, %eax
  mov   %rsi, %rdx
  shr   $32, %rdx
  xsave64 (%rdi)
  ret

  .section .rodata.user_fixups, "a"
user_fixups_end:
  .section .note.GNU-stack, "", @progbits
