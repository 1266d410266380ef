// Finds the clocks in the host's vDSO by its dynamic symbol table (vdso(7), ELF gABI).
#include "kernel/host/vdso.h"

#include <asm/unistd.h>
#include <elf.h>

#include <string_view>

#include "kernel/base/panic.h"
#include "kernel/host/host.h"
#include "kernel/host/host_state.h"
#include "kernel/host/raw.h"

namespace lodge::host {

VdsoFunctions find_vdso_functions(uint64_t elf_header) {
  VdsoFunctions out;
  if (elf_header == 0) return out;
  auto* eh = reinterpret_cast<const Elf64_Ehdr*>(elf_header);
  auto* ph = reinterpret_cast<const Elf64_Phdr*>(elf_header + eh->e_phoff);
  const Elf64_Dyn* dynamic = nullptr;
  uint64_t bias = 0;
  for (int i = 0; i < eh->e_phnum; i++) {
    if (ph[i].p_type == PT_LOAD) bias = elf_header + ph[i].p_offset - ph[i].p_vaddr;
    if (ph[i].p_type == PT_DYNAMIC) dynamic = reinterpret_cast<const Elf64_Dyn*>(elf_header + ph[i].p_offset);
  }
  if (!dynamic) return out;
  const Elf64_Sym* symbols = nullptr;
  const char* names = nullptr;
  const uint32_t *hash = nullptr, *gnu_hash = nullptr;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    uint64_t at = bias + dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const Elf64_Sym*>(at);
    if (dynamic->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(at);
    if (dynamic->d_tag == DT_HASH) hash = reinterpret_cast<const uint32_t*>(at);
    if (dynamic->d_tag == DT_GNU_HASH) gnu_hash = reinterpret_cast<const uint32_t*>(at);
  }
  if (!symbols || !names) return out;
  // The number of symbols: DT_HASH says it; without one (newer kernels) the table ends where the strings
  // begin.
  uint64_t count = hash ? hash[1] : 0;
  if (!hash && gnu_hash && names > reinterpret_cast<const char*>(symbols))
    count = (names - reinterpret_cast<const char*>(symbols)) / sizeof(Elf64_Sym);
  for (uint64_t i = 0; i < count && i < 256; i++) {
    std::string_view name = names + symbols[i].st_name;
    if (name == "__vdso_clock_gettime")
      out.clock_gettime = reinterpret_cast<int (*)(int, void*)>(bias + symbols[i].st_value);
    if (name == "__vdso_gettimeofday") out.gettimeofday = bias + symbols[i].st_value;
    if (name == "__vdso_time") out.time = bias + symbols[i].st_value;
  }
  return out;
}

int clock_gettime_by_call(int clock, void* timespec) {
  return static_cast<int>(host_syscall(__NR_clock_gettime, clock, reinterpret_cast<long>(timespec)));
}

uint64_t clock_ns(int id) {
  struct {
    int64_t sec, nsec;
  } ts;
  host_state().clock_gettime(id, &ts);
  return static_cast<uint64_t>(ts.sec) * 1'000'000'000 + static_cast<uint64_t>(ts.nsec);
}

uint64_t monotonic_ns() {
  return clock_ns(1);
}
uint64_t realtime_ns() {
  return clock_ns(0);
}

}  // namespace lodge::host
