// Threads: what they share, their ids, thread-local storage, exits and exec among them.
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

thread_local int local = 7;

constexpr int kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

}  // namespace

TEST(thread_shares_memory_and_ids) {
  std::atomic<pid_t> pid = 0, tid = 0;
  int value = 1;
  std::thread thread([&] {
    pid = getpid();
    tid = gettid();
    value = 2;
  });
  thread.join();
  CHECK_EQ(pid.load(), getpid());
  CHECK(tid != getpid());
  CHECK_EQ(value, 2);
}

TEST(thread_local_storage) {
  local = 8;
  int* mine = &local;
  std::thread([&] {
    CHECK_EQ(local, 7);
    CHECK(&local != mine);
    local = 9;
  }).join();
  CHECK_EQ(local, 8);
}

TEST(thread_shares_files_cwd_and_umask) {
  OK(mkdir, "d", 0755);
  std::atomic<int> fd = -1;
  std::thread([&] {
    fd = open("d", O_RDONLY);
    REQUIRE(chdir("d") == 0);
    umask(0123);
  }).join();
  CHECK_EQ(fcntl(fd, F_GETFD), 0);
  struct stat here, there;
  REQUIRE(fstat(fd, &there) == 0 && stat(".", &here) == 0);
  CHECK_EQ(here.st_ino, there.st_ino);
  CHECK_EQ(umask(0), 0123u);
}

TEST(thread_raw_clone) {
  static std::atomic<int> parent_tid, ran_as;
  alignas(16) static char stack[65536];
  int tid = clone(
      [](void*) -> int {
        ran_as = gettid();
        return 0;
      },
      stack + sizeof stack, kThreadFlags | CLONE_PARENT_SETTID, nullptr, &parent_tid);
  REQUIRE(tid > 0);
  CHECK_EQ(parent_tid.load(), tid);
  CHECK(eventually([&] { return SYS(tgkill, getpid(), tid, 0) == -1; }));
  CHECK_EQ(ran_as.load(), tid);
}

TEST(thread_exit_wakes_the_joiner) {
  // CLONE_CHILD_CLEARTID: the word is zeroed and woken, which is all that pthread_join waits for.
  static std::atomic<int> word;
  word = 1;
  alignas(16) static char stack[65536];
  int tid = clone(
      [](void*) -> int {
        sleep_ms(20);
        return 0;
      },
      stack + sizeof stack, kThreadFlags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, nullptr, nullptr,
      nullptr, &word);
  REQUIRE(tid > 0);
  for (int now; (now = word) != 0;) SYS(futex, &word, 0 /* FUTEX_WAIT */, now, nullptr);
  CHECK_EQ(word.load(), 0);
}

// Each turn is a switch, which takes long while others want the host's processors.
TEST_LIMIT(many_threads_at_once, 60) {
  constexpr int kThreads = 100;
  std::atomic<int> started = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&] {
      started++;
      while (!go) sched_yield();
    });
  }
  while (started < kThreads) sched_yield();
  CHECK(read_file("/proc/self/status").find("Threads:\t101\n") != std::string::npos);
  go = true;
  for (auto& thread : threads) thread.join();
}

TEST(many_threads_in_turn) {
  std::atomic<int> count = 0;
  for (int i = 0; i < 2000; i++) std::thread([&] { count++; }).join();
  CHECK_EQ(count.load(), 2000);
}

TEST(mutex_and_condition) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  int turn = 0;
  constexpr int kThreads = 4, kRounds = 500;
  std::vector<std::thread> threads;
  for (int me = 0; me < kThreads; me++) {
    threads.emplace_back([&, me] {
      for (int i = 0; i < kRounds; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % kThreads != me) pthread_cond_wait(&condition, &mutex);
        turn++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_EQ(turn, kThreads * kRounds);
}

TEST(condition_times_out) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  timespec at = ns_to_timespec(now_ns(CLOCK_REALTIME) + 20'000'000);
  pthread_mutex_lock(&mutex);
  CHECK_EQ(pthread_cond_timedwait(&condition, &mutex, &at), ETIMEDOUT);
}

TEST(robust_mutex_between_processes) {
  auto* mutex = static_cast<pthread_mutex_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attributes);
  in_child([&] { pthread_mutex_lock(mutex); });
  CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
  CHECK_EQ(pthread_mutex_consistent(mutex), 0);
  pthread_mutex_unlock(mutex);
  // Killed while others wait.
  pid_t holder = start_child([&] {
    pthread_mutex_lock(mutex);
    for (;;) pause();
  });
  CHECK(eventually([&] {
    if (pthread_mutex_trylock(mutex) == EBUSY) return true;
    pthread_mutex_unlock(mutex);
    return false;
  }));
  start_child([=] {
    sleep_ms(20);
    kill(holder, SIGKILL);
  });
  CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
}

TEST(exit_group_ends_all_threads) {
  int status = in_child([] {
    for (int i = 0; i < 5; i++) {
      std::thread([] {
        for (;;) pause();
      }).detach();
    }
    std::thread([] { _exit(23); }).join();
  });
  CHECK_EQ(status, exited(23));
}

TEST(exit_of_the_leader_leaves_the_others) {
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t child = start_child([&] {
    int out = pipes[1];
    std::thread([out] {
      // The leader is a zombie now, and the process still alive under its id.
      std::string path = "/proc/" + std::to_string(getpid()) + "/stat";
      CHECK(eventually([&] { return read_file(path.c_str()).find(") Z ") != std::string::npos; }));
      REQUIRE(write(out, "x", 1) == 1);
      sleep_ms(20);
      _exit(31);
    }).detach();
    SYS(exit, 5);
  });
  char c;
  REQUIRE(read(pipes[0], &c, 1) == 1);
  CHECK_EQ(waitpid(child, nullptr, WNOHANG), 0);
  CHECK_EQ(wait_child(child), exited(31));
}

TEST(fatal_signal_ends_all_threads) {
  int status = in_child([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::thread([] { raise(SIGSEGV); }).detach();
    for (;;) pause();
  });
  CHECK(WIFSIGNALED(status));
  CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(exec_from_a_thread) {
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  pid_t child = start_child([&] {
    dup2(pipes[1], 1);
    for (int i = 0; i < 3; i++) {
      std::thread([] {
        for (;;) pause();
      }).detach();
    }
    std::thread([] { execl("/bin/sh", "sh", "-c", "echo $$", nullptr); }).join();
  });
  close(pipes[1]);
  char text[32] = {};
  REQUIRE(read(pipes[0], text, sizeof text - 1) > 0);
  // The new program has the leader's id, whichever thread called.
  CHECK_EQ(std::string(text), std::to_string(child) + "\n");
  CHECK_EQ(wait_child(child), 0);
}

TEST(fork_from_a_thread) {
  std::thread([] { CHECK_EQ(in_child([] { CHECK_EQ(getpid(), gettid()); }), 0); }).join();
}

TEST(signals_to_threads) {
  static std::atomic<pid_t> handled_by;
  struct sigaction action = {};
  action.sa_handler = [](int) { handled_by = gettid(); };
  sigaction(SIGUSR1, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  std::atomic<pid_t> tid = 0;
  std::atomic<bool> done = false;
  std::thread thread([&] {
    tid = gettid();
    while (!done) sched_yield();
  });
  while (tid == 0) sched_yield();
  OK(tgkill, getpid(), tid.load(), SIGUSR1);
  CHECK(eventually([&] { return handled_by == tid; }));
  // One to the process goes to whoever does not block it.
  handled_by = 0;
  sigprocmask(SIG_BLOCK, &set, nullptr);
  OK(kill, getpid(), SIGUSR1);
  CHECK(eventually([&] { return handled_by == tid; }));
  done = true;
  thread.join();
  FAILS(ESRCH, tgkill, getpid(), tid.load(), 0);
}

TEST(stop_stops_all_threads) {
  auto* counters = static_cast<volatile uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t child = start_child([=] {
    for (int i = 0; i < 3; i++) {
      std::thread([=] {
        for (;;) {
          counters[i] = counters[i] + 1;
          sched_yield();
        }
      }).detach();
    }
    for (;;) pause();
  });
  CHECK(eventually([&] { return counters[0] > 0 && counters[1] > 0 && counters[2] > 0; }));
  kill(child, SIGSTOP);
  int status;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  uint64_t before[3] = {counters[0], counters[1], counters[2]};
  sleep_ms(30);
  for (int i = 0; i < 3; i++) CHECK_EQ(counters[i], before[i]);
  kill(child, SIGCONT);
  CHECK(eventually(
      [&] { return counters[0] > before[0] && counters[1] > before[1] && counters[2] > before[2]; }));
  kill(child, SIGKILL);
}

TEST(threads_run_in_parallel_or_take_turns) {
  // No thread may starve, however many processors there are.
  std::atomic<bool> stop = false;
  std::vector<std::atomic<uint64_t>> work(4);
  std::vector<std::thread> threads;
  for (auto& own : work) {
    threads.emplace_back([&] {
      while (!stop) own++;
    });
  }
  CHECK(eventually([&] {
    for (auto& own : work) {
      if (own < 1000) return false;
    }
    return true;
  }));
  stop = true;
  for (auto& thread : threads) thread.join();
}
