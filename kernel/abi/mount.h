// mount(2), umount2(2) and statfs(2) numbers of Linux.
#pragma once
#include <cstdint>

namespace lodge::abi {

constexpr uint64_t kMsRdonly = 1, kMsNosuid = 2, kMsNodev = 4, kMsNoexec = 8, kMsSynchronous = 16,
                   kMsRemount = 32, kMsMandlock = 64, kMsDirsync = 128, kMsNosymfollow = 256,
                   kMsNoatime = 1024, kMsNodiratime = 2048, kMsBind = 4096, kMsMove = 8192, kMsRec = 16384,
                   kMsSilent = 32768, kMsPosixacl = 1 << 16, kMsUnbindable = 1 << 17, kMsPrivate = 1 << 18,
                   kMsSlave = 1 << 19, kMsShared = 1 << 20, kMsRelatime = 1 << 21, kMsStrictatime = 1 << 24,
                   kMsLazytime = 1 << 25;
constexpr uint64_t kMsMagic = 0xC0ED0000, kMsMagicMask = 0xffff0000;  // old callers put this into the flags

constexpr uint32_t kMntForce = 1, kMntDetach = 2, kMntExpire = 4, kUmountNofollow = 8;

constexpr int64_t kStRdonly = 1, kStNosuid = 2, kStNodev = 4, kStNoexec = 8, kStValid = 0x20,
                  kStNoatime = 0x400, kStNodiratime = 0x800, kStRelatime = 0x1000, kStNosymfollow = 0x2000;

constexpr uint64_t kTmpfsMagic = 0x01021994, kOverlayMagic = 0x794c7630;

}  // namespace lodge::abi
