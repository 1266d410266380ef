// A small kernel for the tests of pipes, polling and terminals: an arena, the parts that they need, and what
// they ask of kernel/task, which is not part of the hosted build. Included by one source per program.
#pragma once
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel/base/kernel.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/calling_task.h"
#include "kernel/file/cred.h"
#include "kernel/file/epoll.h"
#include "kernel/file/fd_table.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/hosted/arena_scope.h"
#include "kernel/ipc/pipe_file.h"
#include "kernel/ipc/signal_hook.h"
#include "kernel/time/timer.h"

namespace lodge {

inline std::atomic<int> sigpipes{0};
inline Cred test_cred;

void send_sigpipe(Thread&) {
  sigpipes++;
}
const Cred& current_cred() {
  return test_cred;
}
Result<long> install_in_current_task(Ref<File>, uint32_t) {
  return 7;
}
inline std::atomic<int> timer_wakes{0};
void wake_timer_thread() {
  timer_wakes++;
}

class TestKernel {
 public:
  TestKernel() {
    scope.arena().set_kernel(&kernel);
    pipes.emplace();
    kernel.set_part(*pipes);
    anon.emplace();
    kernel.set_part(*anon);
    kernel.set_part(clock);
    kernel.set_part(timers);
    kernel.set_part(epoll);
  }
  ~TestKernel() { scope.arena().set_kernel(nullptr); }

  ArenaScope scope;
  Kernel kernel;
  std::optional<PipeState> pipes;
  std::optional<AnonFileState> anon;
  ClockState clock;
  TimerQueue timers;
  EpollState epoll;
};

// A thread of the test that runs in the same kernel.
class TestThread {
 public:
  template <typename F>
  TestThread(TestKernel& k, F body)
      : thread_([this, &k, body] {
          ArenaScope::Join join(k.scope);
          body();
          done_ = true;
        }) {}
  ~TestThread() { thread_.join(); }
  // Long enough for a thread that does not wait to end; not a time that anything else depends on.
  bool ends_within(int ms) {
    for (int i = 0; i < ms && !done_; i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return done_;
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

inline Result<size_t> write_file(File& f, std::string_view s) {
  IoCursor from = IoCursor::kernel(const_cast<char*>(s.data()), s.size());
  return f.write(from, 0);
}

struct ReadOutcome {
  Errno error{};
  std::string text;
  bool operator==(const ReadOutcome&) const = default;
};
inline ReadOutcome read_file(File& f, size_t n) {
  std::string buffer(n, '?');
  IoCursor to = IoCursor::kernel(buffer.data(), n);
  Result<size_t> r = f.read(to, 0);
  if (!r.ok()) return {r.error(), ""};
  buffer.resize(*r);
  return {Errno{}, buffer};
}
inline ReadOutcome text(std::string_view s) {
  return {Errno{}, std::string(s)};
}
inline ReadOutcome error(Errno e) {
  return {e, ""};
}

}  // namespace lodge
