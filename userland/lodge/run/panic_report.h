// After a kernel panic: what every task of the VPS was doing. The threads are stopped where they are by kicks
// (kernel/host/signals.cc parks whoever is kicked after a panic), then their stacks are read out of the
// arena.
#pragma once
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "userland/lodge/run/boot_loader.h"

namespace lodge {

// Our own children, by what the host says; each still has to be verified before it is signalled.
std::vector<pid_t> host_children();
std::vector<pid_t> host_threads(pid_t process);

// `kick_all` sends the kick signal to all threads of the VPS. Text of several lines; says so itself when
// nothing can be read.
std::string panic_stacks(const Vps& vps, const std::function<void()>& kick_all);

}  // namespace lodge
