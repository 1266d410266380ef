// Names of what process, signal and scheduling calls take. Where the host's headers clash with the C
// library's, the numbers are kernel/abi's.
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "kernel/abi/signal.h"
#include "kernel/task/process.h"
#include "syscalls/strace/names_tables.h"

namespace lodge::strace {
namespace {

#define N STRACE_NAME

constexpr Name kClone[] = {N(CLONE_VM),
                           N(CLONE_FS),
                           N(CLONE_FILES),
                           N(CLONE_SIGHAND),
                           N(CLONE_PIDFD),
                           N(CLONE_PTRACE),
                           N(CLONE_VFORK),
                           N(CLONE_PARENT),
                           N(CLONE_THREAD),
                           N(CLONE_NEWNS),
                           N(CLONE_SYSVSEM),
                           N(CLONE_SETTLS),
                           N(CLONE_PARENT_SETTID),
                           N(CLONE_CHILD_CLEARTID),
                           N(CLONE_DETACHED),
                           N(CLONE_UNTRACED),
                           N(CLONE_CHILD_SETTID),
                           N(CLONE_NEWCGROUP),
                           N(CLONE_NEWUTS),
                           N(CLONE_NEWIPC),
                           N(CLONE_NEWUSER),
                           N(CLONE_NEWPID),
                           N(CLONE_NEWNET),
                           N(CLONE_IO),
                           N(CLONE_CLEAR_SIGHAND),
                           N(CLONE_INTO_CGROUP)};
constexpr Name kWait[] = {N(WNOHANG), N(WSTOPPED),    N(WEXITED), N(WCONTINUED),
                          N(WNOWAIT), N(__WNOTHREAD), N(__WALL),  N(__WCLONE)};
constexpr Name kFutex[] = {N(FUTEX_WAIT),           N(FUTEX_WAKE),        N(FUTEX_FD),
                           N(FUTEX_REQUEUE),        N(FUTEX_CMP_REQUEUE), N(FUTEX_WAKE_OP),
                           N(FUTEX_LOCK_PI),        N(FUTEX_UNLOCK_PI),   N(FUTEX_TRYLOCK_PI),
                           N(FUTEX_WAIT_BITSET),    N(FUTEX_WAKE_BITSET), N(FUTEX_WAIT_REQUEUE_PI),
                           N(FUTEX_CMP_REQUEUE_PI), N(FUTEX_LOCK_PI2)};
// The machine's own headers are not to be included here.
constexpr Name kArchPrctl[] = {{"ARCH_SET_GS", 0x1001},     {"ARCH_SET_FS", 0x1002},
                               {"ARCH_GET_FS", 0x1003},     {"ARCH_GET_GS", 0x1004},
                               {"ARCH_GET_CPUID", 0x1011},  {"ARCH_SET_CPUID", 0x1012},
                               {"ARCH_CET_STATUS", 0x3001}, {"ARCH_SHSTK_STATUS", 0x5005}};
constexpr Name kPrctl[] = {N(PR_SET_PDEATHSIG),
                           N(PR_GET_PDEATHSIG),
                           N(PR_GET_DUMPABLE),
                           N(PR_SET_DUMPABLE),
                           N(PR_GET_KEEPCAPS),
                           N(PR_SET_KEEPCAPS),
                           N(PR_SET_NAME),
                           N(PR_GET_NAME),
                           N(PR_GET_SECCOMP),
                           N(PR_SET_SECCOMP),
                           N(PR_CAPBSET_READ),
                           N(PR_CAPBSET_DROP),
                           N(PR_GET_TSC),
                           N(PR_SET_TSC),
                           N(PR_GET_SECUREBITS),
                           N(PR_SET_SECUREBITS),
                           N(PR_SET_TIMERSLACK),
                           N(PR_GET_TIMERSLACK),
                           N(PR_SET_MM),
                           N(PR_SET_CHILD_SUBREAPER),
                           N(PR_GET_CHILD_SUBREAPER),
                           N(PR_SET_NO_NEW_PRIVS),
                           N(PR_GET_NO_NEW_PRIVS),
                           N(PR_GET_TID_ADDRESS),
                           N(PR_SET_THP_DISABLE),
                           N(PR_GET_THP_DISABLE),
                           N(PR_CAP_AMBIENT),
                           N(PR_SET_PTRACER),
                           N(PR_SET_VMA),
                           N(PR_GET_SPECULATION_CTRL),
                           N(PR_SET_SPECULATION_CTRL)};
constexpr uint64_t as_word(Limit l) {
  return static_cast<uint64_t>(l);
}
constexpr Name kResources[] = {
    {"RLIMIT_CPU", as_word(Limit::kCpu)},           {"RLIMIT_FSIZE", as_word(Limit::kFsize)},
    {"RLIMIT_DATA", as_word(Limit::kData)},         {"RLIMIT_STACK", as_word(Limit::kStack)},
    {"RLIMIT_CORE", as_word(Limit::kCore)},         {"RLIMIT_RSS", as_word(Limit::kRss)},
    {"RLIMIT_NPROC", as_word(Limit::kNproc)},       {"RLIMIT_NOFILE", as_word(Limit::kNofile)},
    {"RLIMIT_MEMLOCK", as_word(Limit::kMemlock)},   {"RLIMIT_AS", as_word(Limit::kAs)},
    {"RLIMIT_LOCKS", as_word(Limit::kLocks)},       {"RLIMIT_SIGPENDING", as_word(Limit::kSigpending)},
    {"RLIMIT_MSGQUEUE", as_word(Limit::kMsgqueue)}, {"RLIMIT_NICE", as_word(Limit::kNice)},
    {"RLIMIT_RTPRIO", as_word(Limit::kRtprio)},     {"RLIMIT_RTTIME", as_word(Limit::kRttime)}};
constexpr Name kUsage[] = {
    {"RUSAGE_SELF", 0}, {"RUSAGE_CHILDREN", ~uint64_t{0}}, {"RUSAGE_THREAD", abi::kRusageThread}};
constexpr Name kSigmask[] = {{"SIG_BLOCK", 0}, {"SIG_UNBLOCK", 1}, {"SIG_SETMASK", 2}};
constexpr Name kIdTypes[] = {N(P_ALL), N(P_PID), N(P_PGID), N(P_PIDFD)};
constexpr Name kPolicies[] = {{"SCHED_OTHER", SCHED_NORMAL},
                              N(SCHED_FIFO),
                              N(SCHED_RR),
                              N(SCHED_BATCH),
                              N(SCHED_IDLE),
                              N(SCHED_DEADLINE)};
constexpr Name kPriorityOf[] = {
    {"PRIO_PROCESS", abi::kPrioProcess}, {"PRIO_PGRP", abi::kPrioPgrp}, {"PRIO_USER", abi::kPrioUser}};
constexpr Name kSyslog[] = {
    {"SYSLOG_ACTION_CLOSE", 0},       {"SYSLOG_ACTION_OPEN", 1},        {"SYSLOG_ACTION_READ", 2},
    {"SYSLOG_ACTION_READ_ALL", 3},    {"SYSLOG_ACTION_READ_CLEAR", 4},  {"SYSLOG_ACTION_CLEAR", 5},
    {"SYSLOG_ACTION_CONSOLE_OFF", 6}, {"SYSLOG_ACTION_CONSOLE_ON", 7},  {"SYSLOG_ACTION_CONSOLE_LEVEL", 8},
    {"SYSLOG_ACTION_SIZE_UNREAD", 9}, {"SYSLOG_ACTION_SIZE_BUFFER", 10}};
constexpr Name kGetrandom[] = {N(GRND_NONBLOCK), N(GRND_RANDOM), N(GRND_INSECURE)};
constexpr Name kActionFlags[] = {{"SA_RESTORER", abi::kSaRestorer},   {"SA_ONSTACK", abi::kSaOnstack},
                                 {"SA_RESTART", abi::kSaRestart},     {"SA_NODEFER", abi::kSaNodefer},
                                 {"SA_RESETHAND", abi::kSaResethand}, {"SA_SIGINFO", abi::kSaSiginfo},
                                 {"SA_NOCLDSTOP", abi::kSaNocldstop}, {"SA_NOCLDWAIT", abi::kSaNocldwait}};
constexpr Name kStackFlags[] = {{"SS_AUTODISARM", 1u << 31}, {"SS_ONSTACK", 1}, {"SS_DISABLE", 2}};

constexpr uint64_t as_word(int n) {
  return static_cast<uint64_t>(static_cast<int64_t>(n));
}
constexpr Name kAnyCode[] = {{"SI_USER", 0},
                             {"SI_KERNEL", 0x80},
                             {"SI_QUEUE", as_word(-1)},
                             {"SI_TIMER", as_word(-2)},
                             {"SI_MESGQ", as_word(-3)},
                             {"SI_ASYNCIO", as_word(-4)},
                             {"SI_SIGIO", as_word(-5)},
                             {"SI_TKILL", as_word(-6)}};
constexpr Name kChildCodes[] = {{"CLD_EXITED", 1},  {"CLD_KILLED", 2},  {"CLD_DUMPED", 3},
                                {"CLD_TRAPPED", 4}, {"CLD_STOPPED", 5}, {"CLD_CONTINUED", 6}};
constexpr Name kSegvCodes[] = {
    {"SEGV_MAPERR", 1}, {"SEGV_ACCERR", 2}, {"SEGV_BNDERR", 3}, {"SEGV_PKUERR", 4}};
constexpr Name kBusCodes[] = {{"BUS_ADRALN", 1}, {"BUS_ADRERR", 2}, {"BUS_OBJERR", 3}};
constexpr Name kFpeCodes[] = {{"FPE_INTDIV", 1}, {"FPE_INTOVF", 2}, {"FPE_FLTDIV", 3}, {"FPE_FLTOVF", 4},
                              {"FPE_FLTUND", 5}, {"FPE_FLTRES", 6}, {"FPE_FLTINV", 7}, {"FPE_FLTSUB", 8}};
constexpr Name kIllCodes[] = {{"ILL_ILLOPC", 1}, {"ILL_ILLOPN", 2}, {"ILL_ILLADR", 3},
                              {"ILL_ILLTRP", 4}, {"ILL_PRVOPC", 5}, {"ILL_PRVREG", 6}};
constexpr Name kTrapCodes[] = {{"TRAP_BRKPT", 1}, {"TRAP_TRACE", 2}};
#undef N

}  // namespace

NameTable names_of(CloneFlagsTag*) {
  return {kClone, "CLONE_???"};
}
NameTable names_of(WaitOptionsTag*) {
  return {kWait, "W???"};
}
NameTable names_of(FutexOpTag*) {
  return {kFutex, "FUTEX_???", false};
}
NameTable names_of(ArchPrctlCodeTag*) {
  return {kArchPrctl, "ARCH_???", false};
}
NameTable names_of(PrctlOptionTag*) {
  return {kPrctl, "PR_???", false};
}
NameTable names_of(ResourceIdTag*) {
  return {kResources, "RLIMIT_???", false};
}
NameTable names_of(UsageOfTag*) {
  return {kUsage, "RUSAGE_???", false};
}
NameTable names_of(SigmaskHowTag*) {
  return {kSigmask, "SIG_???", false};
}
NameTable names_of(WaitIdTypeTag*) {
  return {kIdTypes, "P_???", false};
}
NameTable names_of(SchedulerPolicyTag*) {
  return {kPolicies, "SCHED_???", false};
}
NameTable names_of(PriorityOfTag*) {
  return {kPriorityOf, "PRIO_???", false};
}
NameTable names_of(SyslogActionTag*) {
  return {kSyslog, "SYSLOG_ACTION_???", false};
}
NameTable names_of(GetrandomFlagsTag*) {
  return {kGetrandom, "GRND_???"};
}
NameTable signal_action_flag_names() {
  return {kActionFlags, "SA_???"};
}
NameTable signal_stack_flag_names() {
  return {kStackFlags, "SS_???"};
}

NameTable signal_code_names(int signo) {
  switch (signo) {
    case 0:
      return {kAnyCode, "SI_???", false};
    case abi::kSigChld:
      return {kChildCodes, "CLD_???", false};
    case abi::kSigSegv:
      return {kSegvCodes, "SEGV_???", false};
    case abi::kSigBus:
      return {kBusCodes, "BUS_???", false};
    case abi::kSigFpe:
      return {kFpeCodes, "FPE_???", false};
    case abi::kSigIll:
      return {kIllCodes, "ILL_???", false};
    case abi::kSigTrap:
      return {kTrapCodes, "TRAP_???", false};
    default:
      return {{}, "SI_???", false};
  }
}

}  // namespace lodge::strace
