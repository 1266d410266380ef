// What a debugger has to know of the kernel's types to read tasks out of the arena's file: offsets and sizes,
// in a constant of lodge-kernel (symbol lodge_debug_layout) that lodge reads from the ELF file. Linux has its
// VMCOREINFO for the same end. Plain data; all offsets are of the start of a task slot unless they say
// otherwise.
#pragma once
#include <cstdint>

namespace lodge {

struct DebugLayout {
  static constexpr uint64_t kMagic = 0x3174756f79614c44;  // "DLayout1"
  uint64_t magic;
  uint64_t slot_magic;  // what stands at slot_magic_at of a slot that is or was in use
  uint64_t slot_size;   // slots are aligned to it
  uint32_t slot_magic_at;
  uint32_t stacks_at;    // kernel stack, then alternate stack, up to the slot's end
  uint32_t parked_at;    // u64: innermost frame (kernel/host/parked.h)
  uint32_t in_use_at;    // u64: the slot's own address while a task with a guest is in it
  uint32_t in_kernel;    // u8
  uint32_t state;        // u32, an index into state_letters
  uint32_t is_task;      // u8: a task; else a kernel thread
  uint32_t kernel_main;  // u64: function of a kernel thread
  uint32_t virtual_cpu;  // u64: address of its virtual CPU
  uint32_t runtime;      // u64, ns
  uint32_t system_time;  // u64, ns
  uint32_t tid;          // i32
  uint32_t name;         // 16 bytes
  uint32_t process;      // u64: address of its process
  uint32_t process_pid;  // i32, from the process's address
  uint32_t cpu_index;    // i32, from the virtual CPU's address
  char state_letters[8];
};

}  // namespace lodge
