// /proc/sys (Documentation/admin-guide/sysctl). What can be set here and nowhere else is little: most says
// how this kernel is.
#include "kernel/base/uts.h"
#include "kernel/file/fd_table.h"
#include "kernel/ipc/pipe.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task_random.h"
#include "kernel/task/task_slot.h"
#include "vfs/procfs/procfs.h"

namespace lodge {
namespace {

void put_uuid(Formatter& out, const uint64_t (&words)[2]) {
  format(out, "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}\n", words[0] >> 32, (words[0] >> 16) & 0xffff,
         words[0] & 0xfff, 0x8000 | ((words[1] >> 48) & 0x3fff), words[1] & 0xffff'ffff'ffff);
}

void show_uuid(Formatter& out, uint32_t) {
  put_uuid(out, {random_u64(), random_u64()});
}
void show_boot_id(Formatter& out, uint32_t) {
  put_uuid(out, kernel_part<ProcState>().boot_id);
}

void show_uts(Formatter& out, const char (&name)[kUtsLength + 1]) {
  MutexLock lock(kernel_part<UtsNames>().lock);
  format(out, "{}\n", static_cast<const char*>(name));
}
Result<void> store_uts(char (&name)[kUtsLength + 1], std::string_view text) {
  if (!current_task().cred().capable(Cap::kSysAdmin)) return Errno::EPERM;
  text = substr(text, 0, text.find('\n'));
  char fresh[kUtsLength + 1] = {};
  for (size_t i = 0; i < text.size() && i < kUtsLength; i++) fresh[i] = text[i];
  MutexLock lock(kernel_part<UtsNames>().lock);
  __builtin_memcpy(name, fresh, sizeof fresh);
  return {};
}
void show_hostname(Formatter& out, uint32_t) {
  show_uts(out, kernel_part<UtsNames>().node);
}
void show_domainname(Formatter& out, uint32_t) {
  show_uts(out, kernel_part<UtsNames>().domain);
}
Result<void> store_hostname(std::string_view text) {
  return store_uts(kernel_part<UtsNames>().node, text);
}
Result<void> store_domainname(std::string_view text) {
  return store_uts(kernel_part<UtsNames>().domain, text);
}

void show_release(Formatter& out, uint32_t) {
  format(out, "{}\n", kUtsRelease);
}
void show_version(Formatter& out, uint32_t) {
  format(out, "{}\n", kUtsVersion);
}
void show_type(Formatter& out, uint32_t) {
  format(out, "{}\n", kUtsSystem);
}
void show_pid_max(Formatter& out, uint32_t) {
  format(out, "{}\n", static_cast<int>(Tasks::kMaxPid));
}
void show_threads_max(Formatter& out, uint32_t) {
  format(out, "{}\n", kernel_part<TaskSlots>().limit);
}
void show_last_cap(Formatter& out, uint32_t) {
  format(out, "{}\n", static_cast<int>(Cap::kCount) - 1);
}
void show_max_map_count(Formatter& out, uint32_t) {
  format(out, "{}\n", static_cast<size_t>(Mm::kMaxMappings));
}
void show_nr_open(Formatter& out, uint32_t) {
  format(out, "{}\n", static_cast<uint32_t>(FdTable::kMaxFds));
}
void show_pipe_max(Formatter& out, uint32_t) {
  format(out, "{}\n", static_cast<uint32_t>(Pipe::kMaxSizeUnprivileged));
}

uint64_t objects_of(std::string_view cache) {
  uint64_t n = 0;
  Arena::current().for_each_cache([&](const SlabInfo& i) {
    if (cache == i.name) n = i.active;
  });
  return n;
}
void show_file_nr(Formatter& out, uint32_t) {
  format(out, "{}\t0\t9223372036854775807\n", objects_of("file"));
}
void show_dentry_state(Formatter& out, uint32_t) {
  format(out, "{}\t{}\t45\t0\t0\t0\n", objects_of("dentry"), Vfs::current().dentries().unused_count());
}

// Settings that are taken and mean nothing here, as a kernel without swap or its own page cache has them:
// what they would change does not exist. Dropping caches is one: it drops what names are cached.
Result<void> drop_caches(std::string_view text) {
  constexpr uint64_t kNames = 2;
  uint64_t which = TRY(parse_u64(trim(text)));
  if (which < 1 || which > 7) return Errno::EINVAL;
  if (which & kNames) Vfs::current().dentries().prune_all();
  return {};
}
void show_drop_caches(Formatter& out, uint32_t) {
  out.put("0\n");
}

constexpr PseudoNode kRandom[] = {
    pseudo_file("boot_id", show_boot_id), pseudo_text("entropy_avail", "256\n"),
    pseudo_text("poolsize", "256\n"),     pseudo_text("urandom_min_reseed_secs", "60\n"),
    pseudo_file("uuid", show_uuid),       pseudo_text("write_wakeup_threshold", "256\n"),
};
constexpr PseudoNode kKernel[] = {
    pseudo_file("cap_last_cap", show_last_cap),
    pseudo_text("core_pattern", "core\n"),
    pseudo_text("core_uses_pid", "0\n"),
    pseudo_text("ctrl-alt-del", "0\n"),
    pseudo_setting("domainname", show_domainname, store_domainname),
    pseudo_text("dmesg_restrict", "0\n"),
    pseudo_setting("hostname", show_hostname, store_hostname),
    pseudo_text("kptr_restrict", "1\n"),
    pseudo_text("msgmax", "8192\n"),
    pseudo_text("msgmnb", "16384\n"),
    pseudo_text("msgmni", "32000\n"),
    pseudo_text("ngroups_max", "65536\n"),
    pseudo_file("osrelease", show_release),
    pseudo_file("ostype", show_type),
    pseudo_text("overflowgid", "65534\n"),
    pseudo_text("overflowuid", "65534\n"),
    pseudo_text("panic", "0\n"),
    pseudo_text("panic_on_oops", "1\n"),
    pseudo_file("pid_max", show_pid_max),
    pseudo_text("printk", "4\t4\t1\t7\n"),
    pseudo_dir("random", kRandom),
    pseudo_text("randomize_va_space", "2\n"),
    pseudo_text("sched_child_runs_first", "0\n"),
    pseudo_text("sched_rr_timeslice_ms", "100\n"),
    pseudo_text("sem", "32000\t1024000000\t500\t32000\n"),
    pseudo_text("shmall", "18446744073692774399\n"),
    pseudo_text("shmmax", "18446744073692774399\n"),
    pseudo_text("shmmni", "4096\n"),
    pseudo_text("sysrq", "0\n"),
    pseudo_text("tainted", "0\n"),
    pseudo_file("threads-max", show_threads_max),
    pseudo_file("version", show_version),
};
constexpr PseudoNode kVm[] = {
    pseudo_setting("drop_caches", show_drop_caches, drop_caches),
    pseudo_file("max_map_count", show_max_map_count),
    pseudo_text("mmap_min_addr", "65536\n"),
    pseudo_text("nr_hugepages", "0\n"),
    pseudo_text("overcommit_kbytes", "0\n"),
    pseudo_text("overcommit_memory", "0\n"),
    pseudo_text("overcommit_ratio", "50\n"),
    pseudo_text("swappiness", "0\n"),
};
constexpr PseudoNode kFs[] = {
    pseudo_text("aio-max-nr", "65536\n"),           pseudo_text("aio-nr", "0\n"),
    pseudo_file("dentry-state", show_dentry_state), pseudo_text("file-max", "9223372036854775807\n"),
    pseudo_file("file-nr", show_file_nr),           pseudo_file("nr_open", show_nr_open),
    pseudo_text("overflowgid", "65534\n"),          pseudo_text("overflowuid", "65534\n"),
    pseudo_file("pipe-max-size", show_pipe_max),    pseudo_text("protected_fifos", "0\n"),
    pseudo_text("protected_hardlinks", "0\n"),      pseudo_text("protected_regular", "0\n"),
    pseudo_text("protected_symlinks", "0\n"),       pseudo_text("suid_dumpable", "0\n"),
};
constexpr PseudoNode kCore[] = {pseudo_text("somaxconn", "4096\n")};
constexpr PseudoNode kNet[] = {pseudo_dir("core", kCore)};
constexpr PseudoNode kSys[] = {pseudo_dir("fs", kFs), pseudo_dir("kernel", kKernel), pseudo_dir("net", kNet),
                               pseudo_dir("vm", kVm)};

}  // namespace

constinit const PseudoNode kProcSys = pseudo_dir("sys", kSys);

}  // namespace lodge
