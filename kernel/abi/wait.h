// Options of wait4(2) and waitid(2).
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr uint32_t kWnohang = 1, kWuntraced = 2, kWstopped = 2, kWexited = 4, kWcontinued = 8,
                   kWnowait = 0x01000000, kWnothread = 0x20000000, kWall = 0x40000000, kWclone = 0x80000000;
constexpr int kPAll = 0, kPPid = 1, kPPgid = 2, kPPidfd = 3;

}  // namespace lodge::abi
