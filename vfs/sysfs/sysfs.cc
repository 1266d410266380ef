#include "vfs/sysfs/sysfs.h"

#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/runqueue.h"
#include "vfs/pseudo/node.h"
#include "vfs/pseudo/show.h"

namespace lodge {
namespace {

constexpr uint64_t kSysfsMagic = 0x62656572;
constexpr std::span<const PseudoNode> kNone;

uint32_t cpu_count() {
  return static_cast<uint32_t>(scheduler().cpu_count);
}
uint64_t all_cpus() {
  return cpu_count() < 64 ? (uint64_t{1} << cpu_count()) - 1 : ~uint64_t{0};
}

void put_list(Formatter& out, uint64_t set) {
  put_cpu_list(out, set);
  out.put('\n');
}
void put_mask(Formatter& out, uint64_t set) {
  put_cpu_mask(out, set, cpu_count());
  out.put('\n');
}

void show_cpu_list(Formatter& out, uint32_t) {
  put_list(out, all_cpus());
}
void show_cpu_mask(Formatter& out, uint32_t) {
  put_mask(out, all_cpus());
}
void show_own_list(Formatter& out, uint32_t cpu) {
  put_list(out, uint64_t{1} << cpu);
}
void show_own_mask(Formatter& out, uint32_t cpu) {
  put_mask(out, uint64_t{1} << cpu);
}
void show_index(Formatter& out, uint32_t cpu) {
  format(out, "{}\n", cpu);
}
void show_kernel_max(Formatter& out, uint32_t) {
  format(out, "{}\n", kMaxVirtualCpus - 1);
}

// Each virtual processor is a core of its own, all in one package.
constexpr PseudoNode kTopology[] = {
    pseudo_file("core_cpus", show_own_mask),
    pseudo_file("core_cpus_list", show_own_list),
    pseudo_file("core_id", show_index),
    pseudo_file("core_siblings", show_cpu_mask),
    pseudo_file("core_siblings_list", show_cpu_list),
    pseudo_text("die_id", "0\n"),
    pseudo_file("package_cpus", show_cpu_mask),
    pseudo_file("package_cpus_list", show_cpu_list),
    pseudo_text("physical_package_id", "0\n"),
    pseudo_file("thread_siblings", show_own_mask),
    pseudo_file("thread_siblings_list", show_own_list),
};
constexpr PseudoNode kOneCpu[] = {
    pseudo_text("online", "1\n"),
    pseudo_dir("topology", kTopology),
    pseudo_link("subsystem", "../../../../bus/cpu"),
};
constexpr PseudoNode kCpu[] = {
    pseudo_dirs("cpu", kOneCpu, cpu_count),
    pseudo_text("isolated", "\n"),
    pseudo_file("kernel_max", show_kernel_max),
    pseudo_text("modalias", "cpu:type:x86\n"),
    pseudo_text("offline", "\n"),
    pseudo_file("online", show_cpu_list),
    pseudo_file("possible", show_cpu_list),
    pseudo_file("present", show_cpu_list),
};

void show_node_memory(Formatter& out, uint32_t) {
  const MemoryAccount& a = kernel_part<MmSystem>().account;
  uint64_t total = a.limit(), used = std::min(a.committed(), total);
  auto row = [&](std::string_view name, uint64_t pages) {
    format(out, "Node 0 {}:", name).repeat(' ', 15 - name.size());
    format(out, "{:8} kB\n", pages << (kPageShift - 10));
  };
  row("MemTotal", total);
  row("MemFree", total - used);
  row("MemUsed", used);
  row("Shmem", a.page_file());
}

constexpr PseudoNode kNode0[] = {
    pseudo_file("cpulist", show_cpu_list),
    pseudo_file("cpumap", show_cpu_mask),
    pseudo_text("distance", "10\n"),
    pseudo_file("meminfo", show_node_memory),
    pseudo_text("numastat",
                "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0\n"),
};
constexpr PseudoNode kNodes[] = {
    pseudo_text("has_cpu", "0\n"), pseudo_text("has_memory", "0\n"), pseudo_text("has_normal_memory", "0\n"),
    pseudo_dir("node0", kNode0),   pseudo_text("online", "0\n"),     pseudo_text("possible", "0\n"),
};
constexpr PseudoNode kMemory[] = {
    pseudo_text("block_size_bytes", "8000000\n"),
};
constexpr PseudoNode kSystem[] = {
    pseudo_dir("cpu", kCpu),
    pseudo_dir("memory", kMemory),
    pseudo_dir("node", kNodes),
};
constexpr PseudoNode kVirtual[] = {pseudo_dir("net", kNone), pseudo_dir("tty", kNone)};
constexpr PseudoNode kDevices[] = {pseudo_dir("system", kSystem), pseudo_dir("virtual", kVirtual)};
constexpr PseudoNode kBus[] = {pseudo_dir("cpu", kNone)};
constexpr PseudoNode kClass[] = {pseudo_dir("block", kNone), pseudo_dir("net", kNone),
                                 pseudo_dir("tty", kNone)};
constexpr PseudoNode kDev[] = {pseudo_dir("block", kNone), pseudo_dir("char", kNone)};
constexpr PseudoNode kFs[] = {pseudo_dir("cgroup", kNone)};
// The host decides about huge pages; a guest may ask for them (madvise(2)).
constexpr PseudoNode kHugePages[] = {
    pseudo_text("enabled", "always [madvise] never\n"),
    pseudo_text("hpage_pmd_size", "2097152\n"),
};
constexpr PseudoNode kMm[] = {pseudo_dir("transparent_hugepage", kHugePages)};
constexpr PseudoNode kKernel[] = {pseudo_dir("debug", kNone), pseudo_dir("mm", kMm),
                                  pseudo_dir("security", kNone)};
constexpr PseudoNode kPower[] = {pseudo_text("state", "\n")};
constexpr PseudoNode kRoot[] = {
    pseudo_dir("block", kNone),  pseudo_dir("bus", kBus),         pseudo_dir("class", kClass),
    pseudo_dir("dev", kDev),     pseudo_dir("devices", kDevices), pseudo_dir("firmware", kNone),
    pseudo_dir("fs", kFs),       pseudo_dir("kernel", kKernel),   pseudo_dir("module", kNone),
    pseudo_dir("power", kPower),
};
constexpr PseudoNode kRootDir = pseudo_dir("", kRoot);

Result<Ref<Superblock>> mount_sysfs(const MountRequest&) {
  Ref<PseudoSuperblock> sb =
      TRY(make<PseudoSuperblock>("sysfs", kSysfsMagic, Vfs::current().new_anonymous_dev()));
  constexpr uint64_t kIno = PseudoSuperblock::kRootIno;
  sb->set_root(TRY(make<PseudoDir>(*sb, kIno, kIno, kRootDir, 0u, Inode::Owner{0, 0})));
  return Ref<Superblock>(std::move(sb));
}

constexpr FsType kSysfsType{"sysfs", mount_sysfs, {}};

}  // namespace

void register_sysfs(Vfs& vfs) {
  vfs.register_fs(kSysfsType);
}

}  // namespace lodge
