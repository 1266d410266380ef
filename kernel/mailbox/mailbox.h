// The mailbox: one memory file shared by the kernel processes of a VPS and its monitor. Flat rings of bytes
// and records, by index, copied once. Each side treats everything the other wrote as hostile: indexes are
// masked, lengths bounded, nothing read twice. The monitor maps this and never the arena.
//
// Bells are futex words: a side that has news changes the word and wakes it; a side that wants news reads the
// word, looks, and waits while the word is unchanged.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/layout.h"  // the boot loader needs the address map

namespace lodge::mailbox {

constexpr uint64_t kMagic = 0x31786f6265676f4c;     // "Logebox1"
constexpr uint64_t kMailboxAddress = kMailboxBase;  // in kernel processes
constexpr size_t kStreamBytes = 256 << 10;
constexpr size_t kBootBytes = 512 << 10;
constexpr int kMaxImages = 8;
constexpr int kMaxVirtualCpus = 64;

// A stream of bytes in one direction. head and tail run freely; tail - head is what is in it.
struct ByteRing {
  std::atomic<uint32_t> tail;       // writer
  std::atomic<uint32_t> data_bell;  // writer rings after it has moved tail or closed
  std::atomic<uint32_t> closed_in;  // writer: no more will come
  uint32_t pad0[13];
  std::atomic<uint32_t> head;        // reader
  std::atomic<uint32_t> space_bell;  // reader rings after it has moved head or closed
  std::atomic<uint32_t> closed_out;  // reader: nobody will read again
  std::atomic<uint32_t> reader_waits, writer_waits;
  uint32_t pad1[11];
  uint8_t data[kStreamBytes];
};

enum class Request : uint32_t {  // from the kernel to the monitor
  kNone,
  kKick,         // send the kick signal to thread `tid` of process `tgid`
  kAffinity,     // put thread `tid` of process `tgid` on virtual CPU `argument` (~0: on all)
  kExitNotice,   // the first process ended: `argument` is the wait status; the VPS is about to go
  kRunning,      // thread `tid` of process `tgid` runs on virtual CPU `argument`: does the host let it?
  kWatchMemory,  // commitments grow near the limit: look from now on what is resident
};
struct RequestEntry {
  Request kind;
  int32_t tgid, tid;
  uint32_t argument;
};
constexpr uint32_t kRequests = 1024;

// From the monitor to the kernel: a host process has gone.
struct ReapedEntry {
  int32_t tgid;
  int32_t status;  // as waitpid gives it
};
constexpr uint32_t kReaped = 4096;

// From the monitor to the kernel: what a host process has of its own in memory.
struct MemoryEntry {
  int32_t tgid;
  uint32_t pages;
};
constexpr uint32_t kMemoryEntries = 1024;  // the largest

enum Event : uint32_t {  // bits of events, monitor to kernel
  kEventWinsize = 1,
  kEventShutdown = 2,    // SIGTERM or SIGHUP to lodge: end in order
  kEventStdin = 4,       // something happened in a stream
  kEventReaped = 8,      // an abnormal death stands in the ring
  kEventMemory = 32,     // more is resident than the VPS may have: `resident_pages`, `memory`
  kEventMovedCpus = 64,  // the virtual CPUs of `moved_cpus` are other host CPUs from now on
  kEventSignal = 16,     // `signal_request` is to be sent to the foreground (no terminal: SIGINT, SIGQUIT)
};

enum BootFlag : uint32_t {
  kBootTty = 1,       // a terminal: console streams only; else three streams
  kBootTrapOnly = 2,  // no patched sites
  kBootStrace = 4,
  kBootQuiet = 8,
  kBootDumpable = 16,
  kBootImageWritable = 32,
  kBootNoFsgsbase = 64,   // the host lets no program set its fs and gs bases by instructions
  kBootClockCalls = 128,  // the host's vDSO has to make a call for the time
};

// What the boot loader tells the kernel. Strings are offsets into `strings`, NUL-terminated.
struct BootInfo {
  uint64_t magic;
  uint32_t flags;
  uint32_t virtual_cpus;
  uint64_t arena_size, page_file_size, memory_limit;
  uint64_t kernel_begin, kernel_end;  // text and constants
  // The first bytes of the page file that hold the kernel, and those that are one huge page; 0: none.
  uint64_t page_file_taken, page_file_huge;
  uint64_t vdso_base, vdso_end;     // host's vDSO with its data pages, after the move
  uint64_t vdso_elf;                // its ELF header
  uint64_t xsave_mask, xsave_size;  // of the host, from CPUID
  uint64_t hwcap, hwcap2;
  uint32_t mxcsr_mask;
  uint32_t image_count;
  uint32_t cpu_limit_percent;       // of one CPU's time, for all virtual CPUs together; 0: no limit
  uint32_t uid, gid;                // of the first process
  uint64_t image_size[kMaxImages];  // bytes
  uint8_t seed[32];                 // from getrandom(2)
  uint32_t argc, argv;              // argc == 0: a login shell
  uint32_t envc, envv;              // extra environment
  uint32_t hostname, cwd, init;     // 0: none
  uint32_t strings_length;
  char platform[16];
};

struct Mailbox {
  uint64_t magic;
  std::atomic<uint32_t> monitor_alive;  // robust futex word of the monitor's main thread
  std::atomic<uint32_t> kernel_bell;    // monitor -> kernel
  std::atomic<uint32_t> events;         // Event bits
  std::atomic<uint32_t> signal_request;
  std::atomic<uint32_t> winsize;  // columns << 16 | rows
  uint32_t pad0[9];
  std::atomic<uint32_t> monitor_bell;  // kernel -> monitor
  std::atomic<uint32_t> request_tail, request_head;
  std::atomic<uint32_t> reaped_tail, reaped_head;
  std::atomic<uint32_t> booted;  // the first process runs
  std::atomic<uint32_t> panicked;
  std::atomic<uint32_t> finished;        // 1: exit_status holds
  std::atomic<uint32_t> exit_status;     // wait status of the first process
  std::atomic<uint32_t> message_length;  // of `message`: a panic or a boot error, one line
  std::atomic<uint32_t> missing_length;  // names of missing system calls, for the closing line
  // In the first page, which every process reads anyway.
  union {
    BootInfo boot;
    uint8_t boot_area[kBootBytes];  // BootInfo, then its strings
  };
  char message[1024];
  char missing[2048];
  std::atomic<uint64_t> moved_cpus;  // a bit for each; the kernel takes them away
  std::atomic<uint64_t> resident_pages;
  std::atomic<uint32_t> memory_entries;
  MemoryEntry memory[kMemoryEntries];
  RequestEntry requests[kRequests];
  ReapedEntry reaped[kReaped];
  ByteRing input;   // stdin or the terminal
  ByteRing output;  // stdout or the terminal
  ByteRing error;   // stderr
  ByteRing trace;   // --strace and the kernel's log
  const char* strings() const { return reinterpret_cast<const char*>(boot_area) + sizeof(BootInfo); }
};

constexpr size_t kMailboxSize = (sizeof(Mailbox) + 0xfff) & ~size_t{0xfff};
// Host signal with which the monitor makes a thread look at its pending work. (SIGURG: ignored by default, so
// a kick that arrives before the handlers stand does no harm.)
constexpr int kKickSignal = 23;

}  // namespace lodge::mailbox
