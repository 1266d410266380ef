// The resource limits under which lodge was started; a VPS inherits them.
#include <sys/resource.h>

#include "userland/lodge/doctor/doctor.h"

namespace lodge {

namespace {

constexpr rlim_t kMiB = 1 << 20;

struct LimitRule {
  const char* name;
  int resource;
  rlim_t needed;  // below it nothing boots
  rlim_t enough;  // from here on nothing is said
  bool is_bytes;
  const char* consequence;
  const char* remedy;
};

constexpr LimitRule kRules[] = {
    {"open files (ulimit -n)", RLIMIT_NOFILE, 32, 256, false,
     "lodge needs some 30 for a VPS and its connections.", "Raise it with ulimit -n 1024."},
    {"processes (ulimit -u)", RLIMIT_NPROC, 8, 1024, false,
     "Every guest thread is a thread of this user; forks in the VPS fail with EAGAIN beyond it.",
     "Raise it with ulimit -u, or in /etc/security/limits.conf."},
    {"address space (ulimit -v)", RLIMIT_AS, 1024 * kMiB, RLIM_INFINITY, true,
     "A guest process, the arena and the kernel share it; large programs get ENOMEM.",
     "Lift it with ulimit -v unlimited."},
    {"data (ulimit -d)", RLIMIT_DATA, 64 * kMiB, RLIM_INFINITY, true,
     "A guest process gets ENOMEM beyond it, whatever --memory says.", "Lift it with ulimit -d unlimited."},
    {"file size (ulimit -f)", RLIMIT_FSIZE, 1024 * kMiB, RLIM_INFINITY, true,
     "The VPS's memory files cannot grow beyond it.", "Lift it with ulimit -f unlimited."},
    {"locked memory (ulimit -l)", RLIMIT_MEMLOCK, 0, 64 << 10, true,
     "io_uring may be refused; the monitor then uses plain calls.", "Raise it with ulimit -l 8192."},
};

std::string shown(rlim_t value, bool is_bytes) {
  if (value == RLIM_INFINITY) return "unlimited";
  if (!is_bytes) return std::to_string(value);
  return value >= kMiB ? std::to_string(value / kMiB) + " MiB" : std::to_string(value >> 10) + " KiB";
}

Finding look_at(const LimitRule& rule) {
  rlimit limit;
  if (getrlimit(static_cast<__rlimit_resource>(rule.resource), &limit) != 0) {
    return limited("unknown", rule.consequence, rule.remedy);
  }
  std::string found = shown(limit.rlim_cur, rule.is_bytes);
  if (limit.rlim_cur >= rule.enough) return good(found);
  return {limit.rlim_cur < rule.needed ? Health::kBroken : Health::kLimited, found, rule.consequence,
          rule.remedy};
}

}  // namespace

void append_limit_checks(std::vector<DoctorCheck>& checks) {
  for (const LimitRule& rule : kRules) checks.push_back({rule.name, [&rule] { return look_at(rule); }});
}

}  // namespace lodge
