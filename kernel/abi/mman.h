// mmap(2), mremap(2), madvise(2), msync(2), mlock2(2) numbers of Linux on x86-64.
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr uint32_t kProtNone = 0, kProtRead = 1, kProtWrite = 2, kProtExec = 4, kProtSem = 8,
                   kProtGrowsDown = 0x01000000, kProtGrowsUp = 0x02000000;

constexpr uint32_t kMapShared = 0x01, kMapPrivate = 0x02, kMapSharedValidate = 0x03, kMapTypeMask = 0x0f,
                   kMapFixed = 0x10, kMapAnonymous = 0x20, kMap32Bit = 0x40, kMapGrowsDown = 0x100,
                   kMapDenyWrite = 0x800, kMapExecutable = 0x1000, kMapLocked = 0x2000,
                   kMapNoReserve = 0x4000, kMapPopulate = 0x8000, kMapNonblock = 0x10000, kMapStack = 0x20000,
                   kMapHugetlb = 0x40000, kMapSync = 0x80000, kMapFixedNoReplace = 0x100000;
// What MAP_SHARED_VALIDATE knows (LEGACY_MAP_MASK of Linux).
constexpr uint32_t kMapLegacyMask = kMapShared | kMapPrivate | kMapFixed | kMapAnonymous | kMapDenyWrite |
                                    kMapExecutable | kMapGrowsDown | kMapLocked | kMapNoReserve |
                                    kMapPopulate | kMapNonblock | kMapStack | kMapHugetlb | kMap32Bit |
                                    kMapFixedNoReplace;

constexpr uint32_t kMremapMayMove = 1, kMremapFixed = 2, kMremapDontUnmap = 4;
constexpr uint32_t kMsAsync = 1, kMsInvalidate = 2, kMsSync = 4;
constexpr uint32_t kMlockOnFault = 1;
constexpr uint32_t kMclCurrent = 1, kMclFuture = 2, kMclOnFault = 4;

constexpr int kMadvNormal = 0, kMadvRandom = 1, kMadvSequential = 2, kMadvWillNeed = 3, kMadvDontNeed = 4,
              kMadvFree = 8, kMadvRemove = 9, kMadvDontFork = 10, kMadvDoFork = 11, kMadvMergeable = 12,
              kMadvUnmergeable = 13, kMadvHugePage = 14, kMadvNoHugePage = 15, kMadvDontDump = 16,
              kMadvDoDump = 17, kMadvWipeOnFork = 18, kMadvKeepOnFork = 19, kMadvCold = 20, kMadvPageOut = 21,
              kMadvPopulateRead = 22, kMadvPopulateWrite = 23, kMadvCollapse = 25, kMadvHwPoison = 100,
              kMadvSoftOffline = 101;

}  // namespace lodge::abi
