// Structures of files, times, limits and identities, as strace shows them.
#include "kernel/abi/stat.h"
#include "syscalls/strace/args.h"

namespace lodge::strace {
namespace {

template <size_t kSize>
void put_text(Formatter& out, const char (&text)[kSize]) {
  size_t n = 0;
  while (n < kSize && text[n]) n++;
  put_quoted(out, text, n);
}

void put_limit(Formatter& out, uint64_t n) {
  if (n == ~uint64_t{0})
    out.put("RLIM64_INFINITY");
  else if (n > 1024 && n % 1024 == 0)
    format(out, "{}*1024", n / 1024);
  else
    out.put(n);
}

}  // namespace

void put_value(Formatter& out, const abi::Timespec& t) {
  format(out, "{{tv_sec={}, tv_nsec={}}}", t.sec, t.nsec);
}
void put_value(Formatter& out, const abi::Timeval& t) {
  format(out, "{{tv_sec={}, tv_usec={}}}", t.sec, t.usec);
}
void put_value(Formatter& out, const Timeval& t) {
  format(out, "{{tv_sec={}, tv_usec={}}}", t.sec, t.usec);
}
void put_value(Formatter& out, const Utimbuf& t) {
  format(out, "{{actime={}, modtime={}}}", t.actime, t.modtime);
}
void put_value(Formatter& out, const abi::Timezone& t) {
  format(out, "{{tz_minuteswest={}, tz_dsttime={}}}", t.minutes_west, t.dst_time);
}

namespace {
template <typename T>
void put_timer(Formatter& out, const T& t) {
  out.put("{it_interval=");
  put_value(out, t.interval);
  out.put(", it_value=");
  put_value(out, t.value);
  out.put('}');
}
}  // namespace

void put_value(Formatter& out, const abi::Itimerspec& t) {
  put_timer(out, t);
}
void put_value(Formatter& out, const abi::Itimerval& t) {
  put_timer(out, t);
}
void put_value(Formatter& out, const abi::Tms& t) {
  format(out, "{{tms_utime={}, tms_stime={}, tms_cutime={}, tms_cstime={}}}", t.user, t.system,
         t.children_user, t.children_system);
}

namespace {
bool is_device(uint32_t mode) {
  uint32_t type = mode & abi::kTypeMask;
  return type == abi::kTypeChar || type == abi::kTypeBlock;
}
}  // namespace

void put_value(Formatter& out, const abi::Stat& s) {
  out.put("{st_mode=");
  put_mode(out, s.mode);
  if (is_device(s.mode)) {
    out.put(", st_rdev=");
    put_device(out, s.rdev);
  } else {
    format(out, ", st_size={}", s.size);
  }
  out.put(", ...}");
}

void put_value(Formatter& out, const abi::Statx& s) {
  out.put("{stx_mask=");
  put_named(out, names_of(static_cast<StatxMaskTag*>(nullptr)), s.mask);
  out.put(", stx_attributes=");
  put_hex(out, s.attributes);
  out.put(", stx_mode=");
  put_mode(out, s.mode);
  format(out, ", stx_size={}, ...}}", s.size);
}

void put_value(Formatter& out, const abi::Statfs& s) {
  NameTable types = file_system_names();
  out.put("{f_type=");
  put_name(out, types.names, static_cast<uint64_t>(s.type), types.unknown);
  format(out,
         ", f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, f_fsid={{val=[0x{:x}, "
         "0x{:x}]}}, "
         "f_namelen={}, f_frsize={}, f_flags=0x{:x}}}",
         s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree, static_cast<uint32_t>(s.fsid[0]),
         static_cast<uint32_t>(s.fsid[1]), s.namelen, s.frsize, static_cast<uint64_t>(s.flags));
}

void put_value(Formatter& out, const OpenHowArg& how) {
  out.put("{flags=");
  static constexpr const char* kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
  out.put(kModes[how.flags & 3]);
  if (how.flags & ~uint64_t{3}) {
    out.put('|');
    put_named(out, names_of(static_cast<OpenFlagsTag*>(nullptr)), how.flags & ~uint64_t{3});
  }
  if (how.mode) {
    out.put(", mode=");
    put_permissions(out, static_cast<uint32_t>(how.mode));
  }
  out.put(", resolve=");
  put_hex(out, how.resolve);
  out.put('}');
}
void put_value(Formatter& out, const FdPair& p) {
  format(out, "[{}, {}]", p.read_end, p.write_end);
}

void put_value(Formatter& out, const abi::Rlimit& l) {
  out.put("{rlim_cur=");
  put_limit(out, l.soft);
  out.put(", rlim_max=");
  put_limit(out, l.hard);
  out.put('}');
}
void put_value(Formatter& out, const abi::Rusage& r) {
  out.put("{ru_utime=");
  put_value(out, r.user);
  out.put(", ru_stime=");
  put_value(out, r.system);
  out.put(", ...}");
}

void put_value(Formatter& out, const Utsname& u) {
  out.put("{sysname=");
  put_text(out, u.system);
  out.put(", nodename=");
  put_text(out, u.node);
  out.put(", ...}");
}

}  // namespace lodge::strace
