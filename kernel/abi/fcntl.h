// open(2), fcntl(2) and *at(2) numbers of Linux on x86-64.
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr uint32_t kOAccMode = 3, kORdonly = 0, kOWronly = 1, kORdwr = 2, kOCreat = 0100, kOExcl = 0200,
                   kONoctty = 0400, kOTrunc = 01000, kOAppend = 02000, kONonblock = 04000, kODsync = 010000,
                   kOAsync = 020000, kODirect = 040000, kOLargefile = 0100000, kODirectory = 0200000,
                   kONofollow = 0400000, kONoatime = 01000000, kOCloexec = 02000000, kOSync = 04010000,
                   kOPath = 010000000, kOTmpfileBit = 020000000, kOTmpfile = 020200000;

constexpr int32_t kAtFdcwd = -100;
constexpr uint32_t kAtSymlinkNofollow = 0x100, kAtRemovedir = 0x200, kAtEaccess = 0x200,
                   kAtSymlinkFollow = 0x400, kAtNoAutomount = 0x800, kAtEmptyPath = 0x1000,
                   kAtStatxSyncType = 0x6000, kAtRecursive = 0x8000;

constexpr int kFDupfd = 0, kFGetfd = 1, kFSetfd = 2, kFGetfl = 3, kFSetfl = 4, kFGetlk = 5, kFSetlk = 6,
              kFSetlkw = 7, kFSetown = 8, kFGetown = 9, kFSetsig = 10, kFGetsig = 11, kFSetownEx = 15,
              kFGetownEx = 16, kFOfdGetlk = 36, kFOfdSetlk = 37, kFOfdSetlkw = 38, kFSetlease = 1024,
              kFGetlease = 1025, kFNotify = 1026, kFDupfdCloexec = 1030, kFSetpipeSz = 1031,
              kFGetpipeSz = 1032, kFAddSeals = 1033, kFGetSeals = 1034;
constexpr uint32_t kFdCloexec = 1;

constexpr uint32_t kSealSeal = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8, kSealFutureWrite = 16,
                   kSealsAll = 31;

constexpr int kSeekSet = 0, kSeekCur = 1, kSeekEnd = 2, kSeekData = 3, kSeekHole = 4;

}  // namespace lodge::abi
