// The monitor: while a VPS runs, moves bytes between its mailbox and lodge's own descriptors, kicks and
// places its threads, and reaps its processes. One thread per source of blocking, so that an idle VPS costs
// nothing.
//
// Everything in the mailbox is hostile input: indexes are masked, counts bounded, and a process is signalled
// only if it is an unreaped child of ours that we saw ourselves.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "userland/lodge/run/boot_loader.h"
#include "userland/lodge/run/host_cpus.h"
#include "userland/lodge/run/memory_watch.h"
#include "userland/lodge/run/terminal.h"

namespace lodge {

class Monitor {
 public:
  Monitor(MappedMailbox& mailbox, const Vps& vps, bool terminal);
  ~Monitor();

  // Marks this thread as the one whose death the VPS does not outlive; before the zygote is forked.
  void hold_alive_word();
  // Runs until no process of the VPS is left. Returns lodge's exit code.
  int run(pid_t zygote, RawTerminal& raw);

 private:
  void start_threads();
  void serve_requests();
  void handle(const mailbox::RequestEntry& r);
  bool is_child(pid_t tgid);
  void pump_out(mailbox::ByteRing& ring, int fd);
  void pump_in(mailbox::ByteRing& ring);
  void watch_signals();
  void wake_kernel(uint32_t event);
  void reap();
  void note_reaped(pid_t pid, int status);
  void kill_all();
  void kick_all();
  int conclude(RawTerminal& raw);

  MappedMailbox& box_;
  const Vps& vps_;
  bool terminal_;
  HostCpus host_cpus_;  // of the thread that serves requests
  pid_t zygote_ = -1;
  std::mutex children_lock_;  // children_ and reaping against kicks
  std::set<pid_t> children_;  // verified and unreaped
  std::atomic<bool> ending_{false};
  std::atomic<bool> shutdown_asked_{false};
  std::atomic<bool> beyond_memory_{false};
  std::unique_ptr<MemoryWatch> memory_;  // while the VPS runs
  std::string stacks_;                   // of a panic; written by the thread of requests
  std::vector<std::thread> threads_;
};

}  // namespace lodge
