// /proc/cpuinfo: what CPUID says, in Linux's words (arch/x86/kernel/cpu/proc.c). Flags are those that a guest
// may use and Linux names; fsgsbase is left out, as gs is the gate's (gate.S).
#include "kernel/host/cpu_id.h"
#include "kernel/sched/runqueue.h"
#include "vfs/procfs/procfs.h"

namespace lodge {
namespace {

using host::cpu_id;
using host::CpuId;

struct FlagWord {
  uint32_t leaf, subleaf;
  uint32_t CpuId::*reg;
  const char* names[32];  // by bit; null: not shown
};

constexpr FlagWord kFlagWords[] = {
    {1, 0, &CpuId::edx, {"fpu",  "vme",   "de",    "pse",     "tsc",   "msr", "pae",  "mce",
                         "cx8",  "apic",  nullptr, "sep",     "mtrr",  "pge", "mca",  "cmov",
                         "pat",  "pse36", "pn",    "clflush", nullptr, "dts", "acpi", "mmx",
                         "fxsr", "sse",   "sse2",  "ss",      "ht",    "tm",  "ia64", "pbe"}},
    {0x80000001, 0, &CpuId::edx, {nullptr, nullptr,  nullptr,    nullptr, nullptr,    nullptr,   nullptr,
                                  nullptr, nullptr,  nullptr,    nullptr, "syscall",  nullptr,   nullptr,
                                  nullptr, nullptr,  nullptr,    nullptr, nullptr,    "mp",      "nx",
                                  nullptr, "mmxext", nullptr,    nullptr, "fxsr_opt", "pdpe1gb", "rdtscp",
                                  nullptr, "lm",     "3dnowext", "3dnow"}},
    {1, 0, &CpuId::ecx, {"pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
                         "vmx",    "smx",       "est",    "tm2",     "ssse3",
                         "cid",    "sdbg",      "fma",    "cx16",    "xtpr",
                         "pdcm",   nullptr,     "pcid",   "dca",     "sse4_1",
                         "sse4_2", "x2apic",    "movbe",  "popcnt",  "tsc_deadline_timer",
                         "aes",    "xsave",     nullptr,  "avx",     "f16c",
                         "rdrand", "hypervisor"}},
    {0x80000001, 0, &CpuId::ecx, {"lahf_lm", "cmp_legacy", "svm",         "extapic",       "cr8_legacy",
                                  "abm",     "sse4a",      "misalignsse", "3dnowprefetch", "osvw",
                                  "ibs",     "xop",        "skinit",      "wdt",           nullptr,
                                  "lwp",     "fma4",       "tce",         nullptr,         "nodeid_msr",
                                  nullptr,   "tbm",        "topoext",     "perfctr_core",  "perfctr_nb",
                                  nullptr,   "bpext",      "ptsc",        "perfctr_llc",   "mwaitx"}},
    {7, 0, &CpuId::ebx, {nullptr,    "tsc_adjust", "sgx",      "bmi1",       "hle",      "avx2",
                         nullptr,    "smep",       "bmi2",     "erms",       "invpcid",  "rtm",
                         "cqm",      nullptr,      "mpx",      "rdt_a",      "avx512f",  "avx512dq",
                         "rdseed",   "adx",        "smap",     "avx512ifma", nullptr,    "clflushopt",
                         "clwb",     "intel_pt",   "avx512pf", "avx512er",   "avx512cd", "sha_ni",
                         "avx512bw", "avx512vl"}},
    {0xd, 1, &CpuId::eax, {"xsaveopt", "xsavec", "xgetbv1", "xsaves"}},
    {7, 1, &CpuId::eax, {nullptr, nullptr, nullptr, nullptr, "avx_vnni", "avx512_bf16"}},
    {7, 0, &CpuId::ecx, {nullptr,      "avx512vbmi",   "umip",          "pku",       "ospke",
                         "waitpkg",    "avx512_vbmi2", nullptr,         "gfni",      "vaes",
                         "vpclmulqdq", "avx512_vnni",  "avx512_bitalg", "tme",       "avx512_vpopcntdq",
                         nullptr,      "la57",         nullptr,         nullptr,     nullptr,
                         nullptr,      nullptr,        "rdpid",         nullptr,     "bus_lock_detect",
                         "cldemote",   nullptr,        "movdiri",       "movdir64b", "enqcmd"}},
    {7, 0, &CpuId::edx, {nullptr,         nullptr,    "avx512_4vnniw",
                         "avx512_4fmaps", "fsrm",     nullptr,
                         nullptr,         nullptr,    "avx512_vp2intersect",
                         nullptr,         "md_clear", nullptr,
                         nullptr,         nullptr,    "serialize",
                         nullptr,         "tsxldtrk", nullptr,
                         nullptr,         nullptr,    nullptr,
                         nullptr,         "amx_bf16", "avx512_fp16",
                         "amx_tile",      "amx_int8"}},
};

struct Processor {
  char vendor[13] = {};
  char name[49] = {};
  uint32_t family = 0, model = 0, stepping = 0, max_leaf = 0, max_extended = 0;
};

void put_word(char* to, uint32_t word) {
  __builtin_memcpy(to, &word, sizeof word);
}

Processor identify() {
  Processor p;
  CpuId id = cpu_id(0);
  p.max_leaf = id.eax;
  put_word(p.vendor, id.ebx);
  put_word(p.vendor + 4, id.edx);
  put_word(p.vendor + 8, id.ecx);
  p.max_extended = cpu_id(0x80000000).eax;
  uint32_t signature = cpu_id(1).eax;
  p.family = (signature >> 8) & 0xf;
  p.model = (signature >> 4) & 0xf;
  if (p.family == 6 || p.family == 0xf) p.model |= (signature >> 12) & 0xf0;
  if (p.family == 0xf) p.family += (signature >> 20) & 0xff;
  p.stepping = signature & 0xf;
  if (p.max_extended >= 0x80000004) {
    for (uint32_t i = 0; i < 3; i++) {
      CpuId part = cpu_id(0x80000002 + i);
      put_word(p.name + 16 * i, part.eax);
      put_word(p.name + 16 * i + 4, part.ebx);
      put_word(p.name + 16 * i + 8, part.ecx);
      put_word(p.name + 16 * i + 12, part.edx);
    }
  }
  return p;
}

// In kHz: the base frequency that the processor tells, or that its name does ("… @ 2.60GHz"); 0: neither.
uint32_t frequency_khz(const Processor& p) {
  if (p.max_leaf >= 0x16)
    if (uint32_t mhz = cpu_id(0x16).eax & 0xffff) return mhz * 1000;
  std::string_view name(p.name);
  size_t unit = name.find("GHz");
  if (unit == std::string_view::npos) return 0;
  size_t start = name.rfind('@', unit);
  if (start == std::string_view::npos) return 0;
  uint32_t khz = 0, scale = 0;
  for (char c : substr(name, start + 1, unit - start - 1)) {
    if (c == '.') scale = 1'000'000;
    if (c < '0' || c > '9') continue;
    if (scale)
      khz += static_cast<uint32_t>(c - '0') * (scale /= 10);
    else
      khz = khz * 10 + static_cast<uint32_t>(c - '0') * 1'000'000;
  }
  return khz;
}

void put_flags(Formatter& out, const Processor& p) {
  out.put("flags\t\t:");
  for (const FlagWord& w : kFlagWords) {
    if (w.leaf > (w.leaf >= 0x80000000 ? p.max_extended : p.max_leaf)) continue;
    uint32_t bits = cpu_id(w.leaf, w.subleaf).*w.reg;
    for (int i = 0; i < 32; i++)
      if (((bits >> i) & 1) && w.names[i]) out.put(' ').put(w.names[i]);
  }
  out.put('\n');
}

}  // namespace

void show_cpuinfo(Formatter& out, uint32_t) {
  Processor p = identify();
  uint32_t khz = frequency_khz(p);
  int cpus = scheduler().cpu_count;
  uint32_t sizes = p.max_extended >= 0x80000008 ? cpu_id(0x80000008).eax : 0;
  uint32_t cache_kib = p.max_extended >= 0x80000006 ? cpu_id(0x80000006).ecx >> 16 : 0;
  uint32_t line = ((cpu_id(1).ebx >> 8) & 0xff) * 8;
  for (int i = 0; i < cpus; i++) {
    format(
        out, "processor\t: {}\nvendor_id\t: {}\ncpu family\t: {}\nmodel\t\t: {}\nmodel name\t: {}\n", i,
        static_cast<const char*>(p.vendor), p.family, p.model,
        p.name[0] ? trim(std::string_view(static_cast<const char*>(p.name))) : std::string_view("unknown"));
    format(out, "stepping\t: {}\nmicrocode\t: 0x1\ncpu MHz\t\t: {}.{:03}\ncache size\t: {} KB\n", p.stepping,
           khz / 1000, khz % 1000, cache_kib);
    format(out, "physical id\t: 0\nsiblings\t: {}\ncore id\t\t: {}\ncpu cores\t: {}\n", cpus, i, cpus);
    format(out, "apicid\t\t: {}\ninitial apicid\t: {}\nfpu\t\t: yes\nfpu_exception\t: yes\n", i, i);
    format(out, "cpuid level\t: {}\nwp\t\t: yes\n", p.max_leaf);
    put_flags(out, p);
    format(out, "bugs\t\t:\nbogomips\t: {}.{:02}\nclflush size\t: {}\ncache_alignment\t: {}\n", khz / 500,
           khz / 5 % 100, line, line);
    format(out, "address sizes\t: {} bits physical, {} bits virtual\npower management:\n\n", sizes & 0xff,
           (sizes >> 8) & 0xff);
  }
}

}  // namespace lodge
