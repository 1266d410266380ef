// The guests' vDSO (vdso.S) as linked, for guest_vdso.cc to copy.
  .section .rodata
  .globl guest_vdso_begin, guest_vdso_end
  .p2align 4
guest_vdso_begin:
  .incbin LODGE_VDSO_IMAGE
guest_vdso_end:

  .section .note.GNU-stack, "", @progbits
