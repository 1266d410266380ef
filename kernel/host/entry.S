// Where the boot loader jumps: rdi = end of the arena. The stack of the first steps is the arena's last 64 KiB.
  .text
  .quad LODGE_INTERFACE  // in front of the entry: lodge looks whether it is its own (cmake/kernel.cmake)
  .globl lodge_kernel_entry
lodge_kernel_entry:
  mov   %rdi, %rsp
  xor   %ebp, %ebp
  cld
  call  kernel_main
  ud2
  .section .note.GNU-stack, "", @progbits
