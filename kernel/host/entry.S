// Where the boot loader jumps: rdi = end of the arena. The stack of the first steps is the arena's last 64 KiB.
  .text
  .globl lodge_kernel_entry
lodge_kernel_entry:
  mov   %rdi, %rsp
  xor   %ebp, %ebp
  cld
  call  kernel_main
  ud2
  // lodge looks whether this is its own kernel (cmake/kernel.cmake).
  .section .note.lodge, "a", @note
  .long 6, 8, 1  // sizes of name and number, type
  .asciz "Lodge"
  .p2align 2
  .quad LODGE_INTERFACE
  .section .note.GNU-stack, "", @progbits
