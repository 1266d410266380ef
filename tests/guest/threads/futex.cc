// futex: every common operation, alone and between threads and processes, and its errnos.
#include <linux/futex.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

const timespec kShort = {0, 20'000'000};

using Word = std::atomic<int>;

long wait_on(Word& word, int value, int flags = FUTEX_PRIVATE_FLAG) {
  return SYS(futex, &word, FUTEX_WAIT | flags, value, nullptr);
}

long wake(Word& word, int count, int flags = FUTEX_PRIVATE_FLAG) {
  return SYS(futex, &word, FUTEX_WAKE | flags, count);
}

// Waits until a thread of this process sleeps in the kernel: no other way tells that it has queued itself.
void until_asleep(pid_t tid) {
  std::string path = "/proc/self/task/" + std::to_string(tid) + "/stat";
  CHECK(eventually([&] { return read_file(path.c_str()).find(") S ") != std::string::npos; }));
}

// A thread that tells its tid and then runs `body`.
template <typename Body>
std::thread start_thread(std::atomic<pid_t>& tid, Body body) {
  tid = 0;
  std::thread thread([&tid, body] {
    tid = gettid();
    body();
  });
  while (tid == 0) sched_yield();
  return thread;
}

template <typename T>
T* shared_page() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  return static_cast<T*>(page);
}

}  // namespace

TEST(futex_wait_compares_first) {
  Word word = 1;
  FAILS(EAGAIN, futex, &word, FUTEX_WAIT, 2, nullptr);
  FAILS(EAGAIN, futex, &word, FUTEX_WAIT_PRIVATE, 2, &kShort);
  CHECK_EQ(wake(word, 1), 0);
}

TEST(futex_wait_times_out) {
  Word word = 1;
  int64_t start = now_ns();
  FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT_PRIVATE, 1, &kShort);
  CHECK(now_ns() - start >= 20'000'000);
  // The bitset form takes an absolute time, of either clock.
  timespec at = ns_to_timespec(now_ns() + 20'000'000);
  FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1, &at, nullptr, FUTEX_BITSET_MATCH_ANY);
  CHECK(now_ns() >= at.tv_sec * 1'000'000'000 + at.tv_nsec);
  at = ns_to_timespec(now_ns(CLOCK_REALTIME) + 20'000'000);
  FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &at, nullptr,
        FUTEX_BITSET_MATCH_ANY);
  at = {0, 0};
  FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT_PRIVATE, 1, &at);
}

TEST(futex_wake_counts) {
  Word word = 0;
  std::atomic<int> awake = 0;
  std::vector<std::thread> threads;
  std::vector<std::atomic<pid_t>> tids(5);
  for (auto& tid : tids) {
    threads.push_back(start_thread(tid, [&] {
      while (wait_on(word, 0) != 0 && word == 0) {
      }
      awake++;
    }));
  }
  for (auto& tid : tids) until_asleep(tid);
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_PRIVATE, 2), 2);
  CHECK(eventually([&] { return awake == 2; }));
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX), 3);
  for (auto& thread : threads) thread.join();
  CHECK_EQ(awake.load(), 5);
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_PRIVATE, 1), 0);
}

TEST(futex_bitsets_select) {
  Word word = 0;
  std::atomic<int> woken = 0;
  std::atomic<pid_t> tid1, tid2;
  auto waiter = [&](int mask) {
    return [&, mask] {
      REQUIRE(SYS(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, mask) == 0);
      woken += mask;
    };
  };
  std::thread one = start_thread(tid1, waiter(1));
  std::thread two = start_thread(tid2, waiter(2));
  until_asleep(tid1);
  until_asleep(tid2);
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 10, nullptr, nullptr, 4), 0);
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 10, nullptr, nullptr, 2), 1);
  two.join();
  CHECK_EQ(woken.load(), 2);
  CHECK_EQ(OK(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 10, nullptr, nullptr, 5), 1);
  one.join();
  FAILS(EINVAL, futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 0);
  FAILS(EINVAL, futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 1, nullptr, nullptr, 0);
}

TEST(futex_requeue) {
  Word a = 0, b = 0;
  std::vector<std::thread> threads;
  std::vector<std::atomic<pid_t>> tids(4);
  for (auto& tid : tids) threads.push_back(start_thread(tid, [&] { REQUIRE(wait_on(a, 0) == 0); }));
  for (auto& tid : tids) until_asleep(tid);
  FAILS(EAGAIN, futex, &a, FUTEX_CMP_REQUEUE_PRIVATE, 1, 10, &b, 99);
  // One is woken, two move over: what is returned counts both.
  CHECK_EQ(OK(futex, &a, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &b, 0), 3);
  CHECK_EQ(wake(b, 10), 2);
  // Plain requeue counts the woken and the moved alike.
  CHECK_EQ(OK(futex, &a, FUTEX_REQUEUE_PRIVATE, 0, 10, &b), 1);
  CHECK_EQ(wake(a, 10), 0);
  CHECK_EQ(wake(b, 10), 1);
  for (auto& thread : threads) thread.join();
  FAILS(EINVAL, futex, &a, FUTEX_CMP_REQUEUE_PRIVATE, -1, 1, &b, 0);
  FAILS(EINVAL, futex, &a, FUTEX_CMP_REQUEUE_PRIVATE, 1, -1, &b, 0);
}

TEST(futex_wake_op) {
  Word a = 0, b = 5;
  std::atomic<pid_t> tid1, tid2;
  std::thread one = start_thread(tid1, [&] { REQUIRE(wait_on(a, 0) == 0); });
  std::thread two = start_thread(tid2, [&] { REQUIRE(wait_on(b, 5) == 0); });
  until_asleep(tid1);
  until_asleep(tid2);
  // b += 3; wake one on a; and as b was 5, one on b.
  CHECK_EQ(OK(futex, &a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)), 2);
  one.join();
  two.join();
  CHECK_EQ(b.load(), 8);
  struct {
    int op, arg, wanted;
  } rows[] = {{FUTEX_OP_SET, 6, 6},   {FUTEX_OP_ADD, -1, 7}, {FUTEX_OP_OR, 3, 11},
              {FUTEX_OP_ANDN, 12, 0}, {FUTEX_OP_XOR, 9, 1},  {FUTEX_OP_OPARG_SHIFT | FUTEX_OP_SET, 4, 16}};
  for (auto& row : rows) {
    b = 8;
    CHECK_EQ(OK(futex, &a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, FUTEX_OP(row.op, row.arg, FUTEX_OP_CMP_GT, 100)),
             0);
    CHECK_EQ(b.load(), row.wanted);
  }
  FAILS(ENOSYS, futex, &a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, FUTEX_OP(7, 1, FUTEX_OP_CMP_GT, 100));
  FAILS(EFAULT, futex, &a, FUTEX_WAKE_OP_PRIVATE, 1, 1, kBadPointer, 0);
}

TEST(futex_errnos) {
  alignas(8) int words[2] = {};
  auto* odd = reinterpret_cast<char*>(words) + 1;
  FAILS(EINVAL, futex, odd, FUTEX_WAIT, 0, nullptr);
  FAILS(EINVAL, futex, odd, FUTEX_WAKE, 1);
  FAILS(EFAULT, futex, kBadPointer, FUTEX_WAIT, 0, &kShort);
  FAILS(EFAULT, futex, kKernelPointer, FUTEX_WAIT_PRIVATE, 0, &kShort);
  FAILS(EFAULT, futex, kBadPointer, FUTEX_WAKE, 1);
  FAILS(EFAULT, futex, words, FUTEX_WAIT, 0, kBadPointer);
  timespec bad = {0, 1'000'000'000};
  FAILS(EINVAL, futex, words, FUTEX_WAIT, 0, &bad);
  bad = {-1, 0};
  FAILS(EINVAL, futex, words, FUTEX_WAIT, 0, &bad);
  FAILS(ENOSYS, futex, words, 99, 0);
  FAILS(ENOSYS, futex, words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1);
}

TEST(futex_between_processes) {
  Word* word = shared_page<Word>();
  pid_t child = start_child([&] {
    while (*word == 0) wait_on(*word, 0, 0);
    *word = 2;
    wake(*word, 1, 0);
  });
  *word = 1;
  wake(*word, 1, 0);
  while (*word == 1) SYS(futex, word, FUTEX_WAIT, 1, nullptr);
  CHECK_EQ(wait_child(child), 0);
  CHECK_EQ(word->load(), 2);
}

TEST(futex_shared_by_file_at_two_addresses) {
  int fd = make_file("f", std::string(4096, 0));
  auto* one = static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  auto* two = static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  REQUIRE(one != MAP_FAILED && two != MAP_FAILED && one != two);
  std::atomic<pid_t> tid;
  std::thread waiter = start_thread(tid, [&] { REQUIRE(wait_on(*one, 0, 0) == 0); });
  until_asleep(tid);
  // Private ones are told apart by address, and these two are not the same.
  CHECK_EQ(wake(*two, 1), 0);
  CHECK_EQ(wake(*two, 1, 0), 1);
  waiter.join();
}

TEST(futex_private_is_not_shared_by_fork) {
  Word word = 0;
  pid_t child = start_child([&] { FAILS(ETIMEDOUT, futex, &word, FUTEX_WAIT_PRIVATE, 0, &kShort); });
  for (int i = 0; i < 5; i++) {
    wake(word, 1);
    wake(word, 1, 0);
    sleep_ms(2);
  }
  CHECK_EQ(wait_child(child), 0);
}

TEST(futex_no_lost_wakeup) {
  // Two threads pass a token; each waits unless it is already there. A lost wake-up hangs.
  Word word = 0;
  constexpr int kRounds = 20000;
  std::thread other([&] {
    for (int i = 0; i < kRounds; i++) {
      while (word != 1) wait_on(word, 0);
      word = 0;
      wake(word, 1);
    }
  });
  for (int i = 0; i < kRounds; i++) {
    word = 1;
    wake(word, 1);
    while (word != 0) wait_on(word, 1);
  }
  other.join();
}

TEST(futex_pi_lock) {
  Word word = 0;
  OK(futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, nullptr);
  CHECK_EQ(word & FUTEX_TID_MASK, gettid());
  FAILS(EDEADLK, futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, nullptr);
  FAILS(EDEADLK, futex, &word, FUTEX_TRYLOCK_PI_PRIVATE, 0, nullptr);
  std::atomic<pid_t> tid;
  std::atomic<bool> locked = false;
  std::thread other = start_thread(tid, [&] {
    FAILS(EAGAIN, futex, &word, FUTEX_TRYLOCK_PI_PRIVATE, 0, nullptr);
    FAILS(EPERM, futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0);
    OK(futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, nullptr);
    locked = true;
    OK(futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0);
  });
  CHECK(eventually([&] { return (word & FUTEX_WAITERS) != 0; }));
  CHECK(!locked);
  OK(futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0);
  other.join();
  CHECK(locked);
  CHECK_EQ(word & FUTEX_TID_MASK, 0);
}

TEST(futex_dead_owner_of_robust_list) {
  // The kernel marks what a dying thread still holds and wakes one who waits.
  struct Page {
    robust_list_head head;
    robust_list entry;
    Word word;
  };
  Page* page = shared_page<Page>();
  page->head.list.next = &page->entry;
  page->entry.next = &page->head.list;
  page->head.futex_offset = reinterpret_cast<char*>(&page->word) - reinterpret_cast<char*>(&page->entry);
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  pid_t child = start_child([&] {
    REQUIRE(SYS(set_robust_list, &page->head, sizeof page->head) == 0);
    page->word = gettid() | FUTEX_WAITERS;
    REQUIRE(write(ready[1], "x", 1) == 1);
    sleep_ms(20);
    SYS(exit_group, 0);
  });
  char c;
  REQUIRE(read(ready[0], &c, 1) == 1);
  int held = page->word;
  while (page->word == held) wait_on(page->word, held, 0);
  CHECK_EQ(page->word & FUTEX_OWNER_DIED, static_cast<int>(FUTEX_OWNER_DIED));
  CHECK_EQ(page->word & FUTEX_TID_MASK, 0);
  wait_child(child);
}

TEST(futex_waitv_any) {
  struct Waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
  };
  Word words[3] = {1, 2, 3};
  constexpr uint32_t kPrivate32 = 2 | FUTEX_PRIVATE_FLAG;
  auto waiters = [&](Waiter* all) {
    for (int i = 0; i < 3; i++) {
      all[i] = {static_cast<uint64_t>(i + 1), reinterpret_cast<uint64_t>(&words[i]), kPrivate32, 0};
    }
  };
  Waiter all[3];
  waiters(all);
  if (SYS(futex_waitv, all, 0, 0, nullptr, 0) == -1 && errno == ENOSYS) skip("no futex_waitv");
  std::atomic<pid_t> tid;
  std::atomic<long> result = -2;
  std::thread waiter = start_thread(tid, [&] { result = SYS(futex_waitv, all, 3, 0, nullptr, 0); });
  until_asleep(tid);
  CHECK_EQ(wake(words[1], 1), 1);
  waiter.join();
  if (CHECK_EQ(result.load(), 1)) cover("futex_waitv", 0);
  all[2].value = 99;
  FAILS(EAGAIN, futex_waitv, all, 3, 0, nullptr, 0);
  waiters(all);
  timespec at = ns_to_timespec(now_ns() + 10'000'000);
  FAILS(ETIMEDOUT, futex_waitv, all, 3, 0, &at, CLOCK_MONOTONIC);
  FAILS(EINVAL, futex_waitv, all, 0, 0, nullptr, 0);
  FAILS(EINVAL, futex_waitv, all, 129, 0, nullptr, 0);
  FAILS(EINVAL, futex_waitv, all, 3, 1, nullptr, 0);
  FAILS(EFAULT, futex_waitv, kBadPointer, 1, 0, nullptr, 0);
  all[0].flags = 0x1000;
  FAILS(EINVAL, futex_waitv, all, 3, 0, nullptr, 0);
}
