// The root directory: the table of what is about the system, then the processes.
#include "kernel/base/arena.h"
#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/base/uts.h"
#include "kernel/file/device_registry.h"
#include "kernel/task/task_random.h"
#include "vfs/procfs/procfs.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

constexpr uint64_t kProcMagic = 0x9fa0;

void show_self(Formatter& out, uint32_t) {
  out.put(current_task().process().pid);
}
void show_thread_self(Formatter& out, uint32_t) {
  format(out, "{}/task/{}", current_task().process().pid, current_task().tid);
}
void show_version(Formatter& out, uint32_t) {
  format(out, "{} version {} (lodge) (g++ {}) {}\n", kUtsSystem, kUtsRelease, __VERSION__, kUtsVersion);
}
void show_filesystems(Formatter& out, uint32_t) {
  Vfs::current().for_each_fs([&](const FsType& t) {
    format(out, "{}\t{}\n", (t.flags & FsType::kNeedsDevice) ? "" : "nodev", t.name);
  });
}
void show_devices(Formatter& out, uint32_t) {
  out.put("Character devices:\n");
  DeviceRegistry::current().for_each(
      [&](const char* name, uint32_t major) { format(out, "{:3} {}\n", major, name); });
  out.put("\nBlock devices:\n");
}
// Each reader has the whole log; nothing is taken away (syslog(2) does that).
void show_kmsg(Formatter& out, uint32_t) {
  LogRing* log = kernel_log();
  if (!log) return;
  LogRing::Cursor cursor;
  LogRing::Record r;
  char text[LogRing::kMaxText];
  while (log->read(cursor, r, text))
    format(out, "<{}>[{:5}.{:06}] {}\n", static_cast<unsigned>(r.level), r.time_ns / 1'000'000'000,
           r.time_ns / 1000 % 1'000'000, std::string_view(text, r.length));
}

// Documentation/admin-guide/sysrq.rst. Of all its letters only the one that ends everything is wanted here:
// for developers who want to see what a panic prints. Who may write is the file's mode to say.
Result<void> store_sysrq(std::string_view text) {
  if (has_prefix(text, "c")) panic("sysrq: a crash was asked for");
  return {};
}

constexpr PseudoNode kTty[] = {
    pseudo_text("drivers",
                "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                "/dev/console         /dev/console    5       1 system:console\n"
                "/dev/ptmx            /dev/ptmx       5       2 system\n"
                "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
                "pty_master           /dev/ptm      128 0-1048575 pty:master\n"),
    pseudo_text("ldiscs", "n_tty       0\n"),
};
constexpr std::span<const PseudoNode> kNone;

constexpr PseudoNode kRoot[] = {
    pseudo_moving_link("self", show_self),
    pseudo_moving_link("thread-self", show_thread_self),
    pseudo_file("buddyinfo", show_buddyinfo),
    pseudo_dir("bus", kNone),
    pseudo_text("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
    pseudo_text("cmdline", "lodge\n"),
    pseudo_text("consoles", "tty0                 -WU (EC  p  )    4:1\n"),
    pseudo_file("cpuinfo", show_cpuinfo),
    pseudo_text("crypto", ""),
    pseudo_file("devices", show_devices),
    pseudo_text("diskstats", ""),
    pseudo_text("dma", ""),
    pseudo_dir("driver", kNone),
    pseudo_file("filesystems", show_filesystems),
    pseudo_dir("fs", kNone),
    pseudo_file("interrupts", show_interrupts),
    pseudo_text("iomem", ""),
    pseudo_text("ioports", ""),
    pseudo_dir("irq", kNone),
    pseudo_file("kmsg", show_kmsg, 0400),
    pseudo_file("loadavg", show_loadavg),
    pseudo_text("locks", ""),
    pseudo_file("meminfo", show_meminfo),
    pseudo_text("misc", ""),
    pseudo_text("modules", ""),
    pseudo_link("mounts", "self/mounts"),
    pseudo_link("net", "self/net"),
    pseudo_text("partitions", "major minor  #blocks  name\n\n"),
    pseudo_file("schedstat", show_schedstat),
    pseudo_file("slabinfo", show_slabinfo, 0400),
    pseudo_file("softirqs", show_softirqs),
    pseudo_file("stat", show_stat),
    pseudo_text("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    pseudo_tree("sys", kProcSys),
    {.name = "sysrq-trigger", .mode = abi::kTypeRegular | 0200, .text = "", .store = store_sysrq},
    pseudo_dir("sysvipc", kNone),
    pseudo_dir("tty", kTty),
    pseudo_file("uptime", show_uptime),
    pseudo_file("version", show_version),
    pseudo_file("vmstat", show_vmstat),
    pseudo_file("zoneinfo", show_zoneinfo),
};
constexpr PseudoNode kRootDir = pseudo_dir("", kRoot);

class ProcRoot final : public PseudoDir {
 public:
  explicit ProcRoot(Superblock& sb)
      : PseudoDir(sb, PseudoSuperblock::kRootIno, PseudoSuperblock::kRootIno, kRootDir, 0, {0, 0}) {}
  bool cacheable() const override { return false; }
  bool revalidate(std::string_view, Inode* cached) override {
    return cached && static_cast<PseudoInode*>(cached)->still_valid();
  }

  // A thread that is no leader has a directory too, though none is listed (proc(5)).
  Result<Ref<Inode>> lookup(std::string_view name) override {
    int32_t pid = name_as_number(name);
    if (pid < 0) return PseudoDir::lookup(name);
    auto key = find_process(pid);
    if (!key.ok()) key = find_thread(pid);
    if (!key.ok()) return Errno::ENOENT;
    return Ref<Inode>(TRY(make<TaskDir>(sb(), pseudo_ino(ino(), name), ino(), *key)));
  }

  Result<void> read_dir(uint64_t offset, DirSink& sink) override {
    if (offset < kTableEnd && !read_table(offset, sink)) return {};
    int32_t from = offset < kTableEnd ? 1 : static_cast<int32_t>(offset - kTableEnd);
    for (;;) {
      int32_t pid = 0;
      {
        MutexLock lock(tasks().lock);
        if (Process* p = tasks().next_process_locked(from)) pid = p->pid;
      }
      if (pid == 0) return {};
      char text[16];
      Formatter name(text);
      name.put(pid);
      from = pid + 1;
      if (!sink.add(name.view(), pseudo_ino(ino(), name.view()), abi::dt_type(abi::kTypeDir),
                    kTableEnd + static_cast<uint64_t>(from)))
        return {};
    }
  }

 protected:
  uint32_t link_count() override {
    MutexLock lock(tasks().lock);
    return PseudoDir::link_count() + tasks().thread_count;
  }
};

Result<Ref<Superblock>> mount_proc(const MountRequest&) {
  Ref<PseudoSuperblock> sb =
      TRY(make<PseudoSuperblock>("proc", kProcMagic, Vfs::current().new_anonymous_dev()));
  sb->set_root(TRY(make<ProcRoot>(*sb)));
  return Ref<Superblock>(std::move(sb));
}

constexpr FsType kProcType{"proc", mount_proc, {}};

}  // namespace

RefPtr<Process> process_of_proc_dir(File& file) {
  const Path& path = file.path();
  if (!path || path.dentry()->sb().magic != kProcMagic || !file.inode() || !file.inode()->is_dir())
    return nullptr;
  int32_t pid;
  {
    MutexLock lock(Vfs::current().dentries().lock());
    Dentry* dir = path.dentry();
    pid = !dir->is_root() && dir->parent()->is_root() ? name_as_number(dir->name_locked()) : -1;
  }
  if (pid < 0) return nullptr;
  MutexLock lock(tasks().lock);
  Process* p = tasks().process_locked(pid);
  // Under that number there may be another by now.
  return p && static_cast<TaskDir*>(file.inode())->is_about(*p) ? RefPtr<Process>(p) : nullptr;
}

Result<void> register_procfs(Vfs& vfs) {
  ProcState* state = TRY(make_raw<ProcState>());
  for (uint64_t& word : state->boot_id) word = random_u64();
  Kernel::current().set_part(*state);
  vfs.register_fs(kProcType);
  return {};
}

}  // namespace lodge
