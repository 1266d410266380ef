// Signal numbers, sets and structures of Linux on x86-64 (signal(7), sigaction(2), sigaltstack(2)).
#pragma once
#include <cstdint>

namespace lodge::abi {

enum : int {
  kSigHup = 1,
  kSigInt,
  kSigQuit,
  kSigIll,
  kSigTrap,
  kSigAbrt,
  kSigBus,
  kSigFpe,
  kSigKill,
  kSigUsr1,
  kSigSegv,
  kSigUsr2,
  kSigPipe,
  kSigAlrm,
  kSigTerm,
  kSigStkflt,
  kSigChld,
  kSigCont,
  kSigStop,
  kSigTstp,
  kSigTtin,
  kSigTtou,
  kSigUrg,
  kSigXcpu,
  kSigXfsz,
  kSigVtalrm,
  kSigProf,
  kSigWinch,
  kSigIo,
  kSigPwr,
  kSigSys,
  kSigRtMin = 32,
  kSigMax = 64,
};

struct SigSet {
  uint64_t bits = 0;
  static constexpr SigSet of(int signo) { return {uint64_t{1} << (signo - 1)}; }
  bool has(int signo) const { return (bits >> (signo - 1)) & 1; }
  void add(int signo) { bits |= uint64_t{1} << (signo - 1); }
  void remove(int signo) { bits &= ~(uint64_t{1} << (signo - 1)); }
};

struct SigAction {       // as rt_sigaction(2) takes it from libc
  uint64_t handler = 0;  // 0 SIG_DFL, 1 SIG_IGN
  uint64_t flags = 0;
  uint64_t restorer = 0;
  SigSet mask;
};
constexpr uint64_t kSaNocldstop = 1, kSaNocldwait = 2, kSaSiginfo = 4, kSaRestorer = 0x04000000,
                   kSaOnstack = 0x08000000, kSaRestart = 0x10000000, kSaNodefer = 0x40000000,
                   kSaResethand = 0x80000000, kSaExposeTagbits = 0x800;
constexpr uint64_t kSaKnown = kSaNocldstop | kSaNocldwait | kSaSiginfo | kSaRestorer | kSaOnstack |
                              kSaRestart | kSaNodefer | kSaResethand | kSaExposeTagbits;

struct SigAltStack {
  uint64_t sp = 0;
  int32_t flags = 2;  // SS_DISABLE
  int32_t pad = 0;
  uint64_t size = 0;
};
constexpr int32_t kSsOnstack = 1, kSsDisable = 2;
constexpr int32_t kSsAutodisarm = static_cast<int32_t>(1u << 31);
constexpr uint64_t kMinSigStackSize = 2048;

union SigVal {
  int32_t integer;
  uint64_t pointer;
};

struct SigInfo {  // siginfo_t, 128 bytes
  int32_t signo = 0, error = 0, code = 0, pad = 0;
  union {
    struct {
      int32_t pid;
      uint32_t uid;
      SigVal value;
    } rt;  // kill, sigqueue
    struct {
      int32_t id, overrun;
      SigVal value;
    } timer;
    struct {
      int32_t pid;
      uint32_t uid;
      int32_t status, pad;
      int64_t utime, stime;
    } child;
    struct {
      uint64_t address;
      int16_t address_lsb;
    } fault;
    struct {
      uint64_t call_address;
      int32_t number;
      uint32_t arch;
    } sys;
    uint64_t words[14];
  };
  SigInfo() : words{} {}
};
static_assert(sizeof(SigInfo) == 128);

constexpr int kSiUser = 0, kSiKernel = 0x80, kSiQueue = -1, kSiTimer = -2, kSiMesgq = -3, kSiAsyncIo = -4,
              kSiSigIo = -5, kSiTkill = -6;
constexpr int kIllOpn = 2, kFpeIntDiv = 1, kFpeFltInv = 7, kSegvMapErr = 1, kSegvAccErr = 2, kBusAdrAln = 1,
              kBusAdrErr = 2, kTrapBrkpt = 1, kTrapTrace = 2;
constexpr int kCldExited = 1, kCldKilled = 2, kCldDumped = 3, kCldTrapped = 4, kCldStopped = 5,
              kCldContinued = 6;

}  // namespace lodge::abi
