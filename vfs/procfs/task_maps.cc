// /proc/PID/maps and smaps (proc(5), fs/proc/task_mmu.c).
#include "kernel/mm/maps.h"
#include "vfs/core/d_path.h"
#include "vfs/procfs/memory_use.h"
#include "vfs/procfs/task_dir.h"
#include "vfs/pseudo/show.h"

namespace lodge {
namespace {

constexpr size_t kNameColumn = 73;

// Names are seen from the reader's root.
Result<void> put_mapping(const MapsEntry& e, const Path& root, Formatter& out) {
  size_t start = out.size();
  uint64_t dev = 0, ino = 0;
  if (e.file && e.file->inode()) {
    dev = e.file->inode()->sb().dev;
    ino = e.file->inode()->ino();
  }
  format(out, "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {} ", e.start, e.end,
         (e.prot & abi::kProtRead) ? 'r' : '-', (e.prot & abi::kProtWrite) ? 'w' : '-',
         (e.prot & abi::kProtExec) ? 'x' : '-', e.shared ? 's' : 'p', e.file ? e.offset : 0,
         abi::dev_major(dev), abi::dev_minor(dev), ino);
  if (e.file || e.name) {
    size_t used = out.size() - start;
    if (used < kNameColumn) out.repeat(' ', kNameColumn - used);
    if (e.file) {
      String path;
      Formatter text(path);
      TRY(put_file(text, *e.file, root));
      put_escaped(out, text.view(), "\n");
    } else {
      out.put(e.name);
    }
  }
  out.put('\n');
  return {};
}

struct Sizes {  // KiB
  uint64_t resident = 0, anonymous = 0, file = 0, shared_memory = 0, locked = 0;
  void add(const Sizes& o) {
    resident += o.resident, anonymous += o.anonymous, file += o.file;
    shared_memory += o.shared_memory, locked += o.locked;
  }
};

Sizes sizes_of(const MapsEntry& e) {
  Sizes s;
  uint64_t size = (e.end - e.start) >> 10;
  if (counts_as_resident(e)) s.resident = size;
  if (!e.file)
    (e.shared ? s.shared_memory : s.anonymous) = s.resident;
  else
    ((e.prot & abi::kProtWrite) ? s.anonymous : s.file) = s.resident;
  if (e.locked) s.locked = s.resident;
  return s;
}

enum class Detail : uint8_t { kMapping, kRollup };

// Who shares what is the host's knowledge: all is shown as the process's own.
void put_sizes(const Sizes& s, Detail detail, Formatter& out) {
  auto row = [&](std::string_view name, uint64_t kib) {
    out.put(name).put(':').repeat(' ', 15 - name.size());
    format(out, "{:8} kB\n", kib);
  };
  row("Rss", s.resident);
  row("Pss", s.resident);
  row("Pss_Dirty", s.anonymous);
  if (detail == Detail::kRollup) {
    row("Pss_Anon", s.anonymous);
    row("Pss_File", s.file);
    row("Pss_Shmem", s.shared_memory);
  }
  row("Shared_Clean", 0);
  row("Shared_Dirty", 0);
  row("Private_Clean", s.file);
  row("Private_Dirty", s.anonymous);
  row("Referenced", s.resident);
  row("Anonymous", s.anonymous);
  for (const char* name : {"LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
                           "Private_Hugetlb", "Swap", "SwapPss"})
    row(name, 0);
  row("Locked", s.locked);
}

void put_flags(const MapsEntry& e, Formatter& out) {
  out.put("VmFlags: ");
  auto flag = [&](bool on, const char* name) {
    if (on) out.put(name).put(' ');
  };
  flag(e.prot & abi::kProtRead, "rd");
  flag(e.prot & abi::kProtWrite, "wr");
  flag(e.prot & abi::kProtExec, "ex");
  flag(e.shared, "sh");
  out.put("mr mw me ");
  flag(e.shared, "ms");
  flag(e.grows_down, "gd");
  flag(e.locked, "lo");
  flag(e.charged, "ac");
  flag(e.no_reserve, "nr");
  out.put('\n');
}

template <typename F>
Result<void> for_each_mapping(Mm& mm, Formatter& out, F f) {
  MapsEntry e;
  for (uint64_t at = 0; !out.truncated() && next_mapping(mm, at, e); at = e.end) TRY(f(e));
  return {};
}

}  // namespace

Result<void> show_task_maps(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(inspect(key));
  if (!parts.mm) return {};
  Path root = current_task().fs().root();
  return for_each_mapping(*parts.mm, out, [&](const MapsEntry& e) { return put_mapping(e, root, out); });
}

Result<void> show_task_smaps(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(inspect(key));
  if (!parts.mm) return {};
  Path root = current_task().fs().root();
  return for_each_mapping(*parts.mm, out, [&](const MapsEntry& e) -> Result<void> {
    TRY(put_mapping(e, root, out));
    format(out, "Size:           {:8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
           (e.end - e.start) >> 10);
    put_sizes(sizes_of(e), Detail::kMapping, out);
    out.put("THPeligible:           0\n");
    put_flags(e, out);
    return {};
  });
}

Result<void> show_task_smaps_rollup(const TaskKey& key, Formatter& out) {
  TaskParts parts = TRY(inspect(key));
  if (!parts.mm) return Errno::ESRCH;
  Sizes all;
  uint64_t first = 0, last = 0;
  TRY(for_each_mapping(*parts.mm, out, [&](const MapsEntry& e) -> Result<void> {
    if (first == 0) first = e.start;
    last = e.end;
    all.add(sizes_of(e));
    return {};
  }));
  size_t start = out.size();
  format(out, "{:08x}-{:08x} ---p 00000000 00:00 0 ", first, last);
  out.repeat(' ', kNameColumn - (out.size() - start)).put("[rollup]\n");
  put_sizes(all, Detail::kRollup, out);
  return {};
}

}  // namespace lodge
