// CPUID: what the processor says of itself (Intel SDM volume 2A; AMD APM volume 3).
#pragma once
#include <cstdint>

namespace lodge::host {

struct CpuId {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

inline CpuId cpu_id(uint32_t leaf, uint32_t subleaf = 0) {
  CpuId r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
  return r;
}

}  // namespace lodge::host
