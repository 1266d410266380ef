#include "userland/lodge/run/monitor.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

#include "userland/lodge/failure.h"
#include "userland/lodge/run/control.h"
#include "userland/lodge/run/own_memory.h"
#include "userland/lodge/run/panic_report.h"

namespace lodge {

using namespace mailbox;

namespace {

long futex(std::atomic<uint32_t>& word, int op, uint32_t value) {
  return syscall(SYS_futex, &word, op, value, nullptr, nullptr, 0);
}
void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) {
  futex(word, FUTEX_WAIT, seen);
}
void futex_wake(std::atomic<uint32_t>& word) {
  futex(word, FUTEX_WAKE, 1 << 30);
}

// The robust list of the main thread: one word, in the mailbox, that the host marks when the thread dies.
struct RobustEntry {
  RobustEntry* next;
};
struct RobustHead {
  RobustEntry list;
  long futex_offset;
  RobustEntry* pending;
};
RobustHead robust_head;
RobustEntry robust_entry;

constexpr std::chrono::seconds kGrace{10};  // between the order to shut down and the end by force

}  // namespace

Monitor::Monitor(MappedMailbox& mailbox, const Vps& vps, bool terminal)
    : box_(mailbox), vps_(vps), terminal_(terminal), host_cpus_(vps.host_cpus) {}

Monitor::~Monitor() = default;

void Monitor::hold_alive_word() {
  robust_entry.next = &robust_head.list;
  robust_head.list.next = &robust_entry;
  robust_head.futex_offset =
      reinterpret_cast<char*>(&box_->monitor_alive) - reinterpret_cast<char*>(&robust_entry);
  robust_head.pending = nullptr;
  box_->monitor_alive.store(static_cast<uint32_t>(syscall(SYS_gettid)));
  if (syscall(SYS_set_robust_list, &robust_head, sizeof robust_head) != 0)
    throw host_failure("set_robust_list", errno);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw host_failure("PR_SET_CHILD_SUBREAPER", errno);
}

void Monitor::wake_kernel(uint32_t event) {
  box_->events.fetch_or(event);
  box_->kernel_bell.fetch_add(1);
  futex_wake(box_->kernel_bell);
}

bool Monitor::is_child(pid_t tgid) {
  if (tgid <= 1) return false;
  if (children_.count(tgid)) return true;
  siginfo_t info;
  info.si_pid = 0;
  if (waitid(P_PID, static_cast<id_t>(tgid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
  children_.insert(tgid);
  return true;
}

void Monitor::handle(const RequestEntry& r) {
  std::lock_guard guard(children_lock_);
  switch (r.kind) {
    case Request::kKick:
      // tgkill does nothing if the thread is not of that process.
      if (is_child(r.tgid)) syscall(SYS_tgkill, r.tgid, r.tid, kKickSignal);
      break;
    case Request::kAffinity:
    case Request::kRunning: {
      if (!is_child(r.tgid)) break;
      char task[64];
      std::snprintf(task, sizeof task, "/proc/%d/task/%d", r.tgid, r.tid);
      if (access(task, F_OK) != 0) break;
      if (r.kind == Request::kAffinity) {
        host_cpus_.pin(r.tid, r.argument);
      } else if (uint64_t moved = host_cpus_.look(r.argument, r.tgid, r.tid)) {
        box_->moved_cpus.fetch_or(moved);
        wake_kernel(kEventMovedCpus);
      }
      break;
    }
    case Request::kWatchMemory:
      memory_->look_closer();
      break;
    case Request::kExitNotice:
    case Request::kNone:
      break;
  }
}

void Monitor::kick_all() {
  std::lock_guard guard(children_lock_);
  for (pid_t process : host_children())
    if (is_child(process))
      for (pid_t thread : host_threads(process)) syscall(SYS_tgkill, process, thread, kKickSignal);
}

void Monitor::serve_requests() {
  while (!ending_) {
    uint32_t seen = box_->monitor_bell.load();
    uint32_t head = box_->request_head.load();
    uint32_t tail = box_->request_tail.load();
    if (tail - head > kRequests) head = tail - kRequests;
    for (; head != tail; head++) {
      RequestEntry r = box_->requests[head % kRequests];
      box_->request_head.store(head + 1);
      handle(r);
    }
    if (box_->finished.load() == 3) stacks_ = panic_stacks(vps_, [this] { kick_all(); });
    if (box_->finished.load() != 0) {
      kill_all();
      return;
    }
    futex_wait(box_->monitor_bell, seen);
  }
}

void Monitor::pump_out(ByteRing& ring, int fd) {
  bool broken = false;
  for (;;) {
    uint32_t seen = ring.data_bell.load();
    ring.reader_waits.store(1);
    uint32_t head = ring.head.load(), used = ring.tail.load() - head;
    if (used > kStreamBytes) return;  // not ours any more: the VPS is being ended or is broken
    if (used == 0) {
      if (ring.closed_in.load() && ring.tail.load() == head) {
        if (!terminal_ && fd == STDOUT_FILENO) close(fd);
        return;
      }
      if (ending_ && ring.tail.load() == head) return;
      futex_wait(ring.data_bell, seen);
      continue;
    }
    ring.reader_waits.store(0);
    uint32_t at = head % kStreamBytes;
    size_t n = std::min<size_t>(used, kStreamBytes - at);
    if (!broken) {
      ssize_t w = write(fd, ring.data + at, n);
      if (w < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
          pollfd p{fd, POLLOUT, 0};
          poll(&p, 1, -1);
          continue;
        }
        broken = true;  // the reader has gone: so says the ring to the writers inside
        ring.closed_out.store(1);
      } else {
        n = static_cast<size_t>(w);
      }
    }
    ring.head.store(head + static_cast<uint32_t>(n));
    ring.space_bell.fetch_add(1);
    if (ring.writer_waits.exchange(0)) wake_kernel(kEventStdin);
  }
}

void Monitor::pump_in(ByteRing& ring) {
  for (;;) {
    uint32_t seen = ring.space_bell.load();
    ring.writer_waits.store(1);
    uint32_t tail = ring.tail.load(), used = tail - ring.head.load();
    if (used > kStreamBytes || ending_ || ring.closed_out.load()) return;
    if (used == kStreamBytes) {
      futex_wait(ring.space_bell, seen);
      continue;
    }
    ring.writer_waits.store(0);
    uint32_t at = tail % kStreamBytes;
    size_t room = std::min<size_t>(kStreamBytes - used, kStreamBytes - at);
    ssize_t n = read(STDIN_FILENO, ring.data + at, room);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      pollfd p{STDIN_FILENO, POLLIN, 0};
      poll(&p, 1, -1);
      continue;
    }
    if (n <= 0) {
      ring.closed_in.store(1);
      wake_kernel(kEventStdin);
      return;
    }
    ring.tail.store(tail + static_cast<uint32_t>(n));
    wake_kernel(kEventStdin);
  }
}

void Monitor::watch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGUSR1, SIGUSR2}) sigaddset(&set, s);
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> deadline;
  for (;;) {
    int s;
    if (deadline) {
      auto left = std::max<Clock::duration>(*deadline - Clock::now(), {});
      auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      timespec wait{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
      s = sigtimedwait(&set, nullptr, &wait);
    } else {
      s = sigwaitinfo(&set, nullptr);
    }
    if (ending_) return;
    if (s < 0) {
      if (errno != EAGAIN) continue;
      kill_all();
      deadline.reset();
      continue;
    }
    switch (s) {
      case SIGWINCH:
        box_->winsize.store(window_size(STDIN_FILENO));
        wake_kernel(kEventWinsize);
        break;
      case SIGTERM:
      case SIGHUP:
        if (shutdown_asked_.exchange(true)) {
          kill_all();
          break;
        }
        deadline = Clock::now() + kGrace;
        wake_kernel(kEventShutdown);
        break;
      default:
        box_->signal_request.store(static_cast<uint32_t>(s));
        wake_kernel(kEventSignal);
    }
  }
}

void Monitor::kill_all() {
  // All processes of a VPS stay in the zygote's process group: it cannot leave it, nor be reaped while we
  // look.
  std::lock_guard guard(children_lock_);
  if (children_.count(zygote_)) kill(-zygote_, SIGKILL);
  for (pid_t p : children_) kill(p, SIGKILL);
}

void Monitor::note_reaped(pid_t pid, int status) {
  uint32_t tail = box_->reaped_tail.load();
  while (tail - box_->reaped_head.load() >= kReaped) {
    if (ending_ || box_->finished.load()) return;
    wake_kernel(kEventReaped);
    usleep(1000);
  }
  box_->reaped[tail % kReaped] = {pid, status};
  box_->reaped_tail.store(tail + 1);
  // The kernel looks at the ring when it needs room; it is woken only for a death that it does not expect.
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) wake_kernel(kEventReaped);
}

void Monitor::reap() {
  for (;;) {
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return;  // no child is left
    }
    int status = 0;
    pid_t pid = info.si_pid;
    {
      std::lock_guard guard(children_lock_);
      if (waitpid(pid, &status, WNOHANG) != pid) continue;
      children_.erase(pid);
    }
    if (pid == zygote_) {
      std::lock_guard guard(children_lock_);
      kill(-zygote_, SIGKILL);
      for (pid_t p : children_) kill(p, SIGKILL);
    }
    note_reaped(pid, status);
  }
}

int Monitor::conclude(RawTerminal& raw) {
  ending_ = true;
  for (ByteRing* r : {&box_->output, &box_->error, &box_->trace}) {
    r->data_bell.fetch_add(1);
    futex_wake(r->data_bell);
  }
  box_->monitor_bell.fetch_add(1);
  futex_wake(box_->monitor_bell);
  for (std::thread& t : threads_) t.join();
  memory_.reset();
  raw.restore();

  uint32_t length = std::min<uint32_t>(box_->message_length.load(), sizeof box_->message);
  std::string message(box_->message, length);
  for (char& c : message)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  switch (box_->finished.load()) {
    case 1: {
      uint32_t status = box_->exit_status.load();
      return (status & 0x7f) == 0 ? static_cast<int>(status >> 8 & 0xff)
                                  : 128 + static_cast<int>(status & 0x7f);
    }
    case 2:
      return fail(message);
    case 3: {
      int code = fail("kernel panic: " + message);
      std::fwrite(stacks_.data(), 1, stacks_.size(), stderr);
      return code;
    }
    default:
      if (beyond_memory_) return fail("the VPS went far beyond its memory");
      return fail(shutdown_asked_ ? "the VPS was ended by force" : "the VPS died: its zygote was killed");
  }
}

void Monitor::start_threads() {
  memory_ = std::make_unique<MemoryWatch>(box_, vps_, zygote_,
                                          MemoryWatch::Hooks{[this] { wake_kernel(kEventMemory); },
                                                             [this] {
                                                               beyond_memory_ = true;
                                                               kill_all();
                                                             }});
  threads_.emplace_back([this] { serve_requests(); });
  threads_.emplace_back([this] { pump_out(box_->output, STDOUT_FILENO); });
  threads_.emplace_back([this] { pump_out(box_->error, STDERR_FILENO); });
  threads_.emplace_back([this] { pump_out(box_->trace, STDERR_FILENO); });
  // These two end with the process: nothing interrupts a read of the terminal or a sigwait.
  std::thread([this] { pump_in(box_->input); }).detach();
  std::thread([this] { watch_signals(); }).detach();
}

int Monitor::run(pid_t zygote, RawTerminal& raw) {
  zygote_ = zygote;
  ControlSocket control(vps_);
  {
    std::lock_guard guard(children_lock_);
    children_.insert(zygote);
  }
  try {
    start_threads();
  } catch (const std::system_error& error) {
    // Those that run already cannot be called back: the VPS goes with us.
    raw.restore();
    std::_Exit(fail("cannot start a thread (check `ulimit -u` and `ulimit -d`): " + error.code().message()));
  }
  release_start_up_memory();
  reap();
  return conclude(raw);
}

}  // namespace lodge
