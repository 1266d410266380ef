// The names of the system that uname(2) tells: host name and NIS domain, set by boot, sethostname(2) and
// setdomainname(2), read by /proc/sys/kernel.
// Lock: UtsNames::lock.
#pragma once
#include <cstddef>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"

namespace lodge {

constexpr size_t kUtsLength = 64;  // without the NUL

struct UtsNames {
  static constexpr KernelPart kPart = KernelPart::kUts;
  Mutex lock{LockClass::kTask};
  char node[kUtsLength + 1] = "lodge";
  char domain[kUtsLength + 1] = "(none)";
};

// What this kernel says it is: the interface of the Linux it follows.
constexpr char kUtsSystem[] = "Linux";
constexpr char kUtsRelease[] = "6.1.0-lodge";
constexpr char kUtsVersion[] = "#1 SMP PREEMPT_DYNAMIC Lodge";
constexpr char kUtsMachine[] = "x86_64";

}  // namespace lodge
