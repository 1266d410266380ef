// Memory of the VPS: meminfo and its like, out of its account (kernel/mm/account.h) and the kernel's arena.
//
// What guests own is known as what they were promised, not as what they have touched, so free memory is a
// lower bound. File data is in the host's page cache and nobody's here.
#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/mm/mm.h"
#include "vfs/procfs/procfs.h"

namespace lodge {
namespace {

struct Memory {  // KiB
  uint64_t total, free, shared, slab, commit_limit, committed;
};

Memory memory_now() {
  const MemoryAccount& a = kernel_part<MmSystem>().account;
  constexpr unsigned kToKib = kPageShift - 10;
  uint64_t used = std::min(a.committed(), a.limit());
  const Arena& arena = Arena::current();
  return {a.limit() << kToKib,        (a.limit() - used) << kToKib,
          a.page_file() << kToKib,    (arena.total_pages() - arena.free_page_count()) << kToKib,
          a.commit_limit() << kToKib, a.committed() << kToKib};
}

}  // namespace

void show_meminfo(Formatter& out, uint32_t) {
  Memory m = memory_now();
  auto row = [&](std::string_view name, uint64_t kib) {
    out.put(name).put(':');
    if (name.size() < 15) out.repeat(' ', 15 - name.size());
    format(out, "{:8} kB\n", kib);
  };
  uint64_t anonymous = m.total - m.free - std::min(m.total - m.free, m.shared);
  row("MemTotal", m.total);
  row("MemFree", m.free);
  row("MemAvailable", m.free);
  row("Buffers", 0);
  row("Cached", m.shared);
  row("SwapCached", 0);
  row("Active", anonymous + m.shared);
  row("Inactive", 0);
  row("Active(anon)", anonymous + m.shared);
  row("Inactive(anon)", 0);
  row("Active(file)", 0);
  row("Inactive(file)", 0);
  row("Unevictable", 0);
  row("Mlocked", 0);
  row("SwapTotal", 0);
  row("SwapFree", 0);
  row("Dirty", 0);
  row("Writeback", 0);
  row("AnonPages", anonymous);
  row("Mapped", 0);
  row("Shmem", m.shared);
  row("KReclaimable", 0);
  row("Slab", m.slab);
  row("SReclaimable", 0);
  row("SUnreclaim", m.slab);
  row("KernelStack", 0);
  row("PageTables", 0);
  row("NFS_Unstable", 0);
  row("Bounce", 0);
  row("WritebackTmp", 0);
  row("CommitLimit", m.commit_limit);
  row("Committed_AS", m.committed);
  row("VmallocTotal", uint64_t{34359738367});
  row("VmallocUsed", 0);
  row("VmallocChunk", 0);
  row("Percpu", 0);
  row("AnonHugePages", 0);
  out.put(
      "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        "
      "0\n");
  row("Hugepagesize", 2048);
  row("Hugetlb", 0);
}

void show_vmstat(Formatter& out, uint32_t) {
  Memory m = memory_now();
  auto row = [&](const char* name, uint64_t n) { format(out, "{} {}\n", name, n); };
  row("nr_free_pages", m.free / 4);
  row("nr_active_anon", (m.total - m.free) / 4);
  row("nr_shmem", m.shared / 4);
  row("nr_slab_unreclaimable", m.slab / 4);
  for (const char* name : {"nr_dirty", "nr_writeback", "pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault",
                           "pgmajfault", "oom_kill"})
    row(name, 0);
}

void show_zoneinfo(Formatter& out, uint32_t) {
  Memory m = memory_now();
  format(out,
         "Node 0, zone   Normal\n  pages free     {}\n        min      0\n        low      0\n        high   "
         "  0\n",
         m.free / 4);
  format(out, "        spanned  {}\n        present  {}\n        managed  {}\n", m.total / 4, m.total / 4,
         m.total / 4);
}

void show_buddyinfo(Formatter& out, uint32_t) {
  format(out, "Node 0, zone   Normal {:6}", memory_now().free / 4);
  for (int order = 1; order < 11; order++) format(out, " {:6}", 0);
  out.put(" \n");
}

void show_slabinfo(Formatter& out, uint32_t) {
  out.put("slabinfo - version: 2.1\n");
  out.put(
      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
      "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
  Arena::current().for_each_cache([&](const SlabInfo& i) {
    format(out, "{:<17} {:6} {:6} {:6} {:4} {:4} : tunables    0    0    0 : slabdata {:6} {:6}      0\n",
           i.name, i.active, i.total, i.object_size, i.objects_per_slab, i.pages_per_slab, i.slabs, i.slabs);
  });
}

}  // namespace lodge
