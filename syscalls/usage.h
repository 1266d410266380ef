// Usage as the calls that tell it lay it out.
#pragma once
#include "kernel/abi/resource.h"
#include "kernel/task/process.h"
#include "syscalls/wait_args.h"

namespace lodge {

inline abi::Rusage rusage_of(const Usage& u) {
  abi::Rusage r;
  r.user = ns_to_timeval(u.user);
  r.system = ns_to_timeval(u.system);
  r.max_rss_kib = static_cast<int64_t>(u.max_rss_kib);
  r.minor_faults = static_cast<int64_t>(u.min_faults);
  r.voluntary = static_cast<int64_t>(u.voluntary);
  r.involuntary = static_cast<int64_t>(u.involuntary);
  return r;
}

}  // namespace lodge
