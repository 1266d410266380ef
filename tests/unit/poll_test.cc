// Waiting for several files (poll(2)), and eventfds (eventfd(2)) as something to wait for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/file/poll_wait.h"
#include "kernel/ipc/event_fd.h"
#include "tests/unit/ipc_support.h"

namespace lodge {
namespace {

constexpr PollEvents kIn = kPollIn | kPollRdNorm;

class PollTest : public testing::Test {
 protected:
  int install(Ref<File> f) { return fds->reserve(1024, FdCloexec::kNo).take().install(std::move(f)); }
  Ref<File> event(uint32_t initial = 0) {
    return EventFd::create(initial, EventFd::Mode::kCounter, abi::kONonblock).take();
  }
  static void signal(File& f, uint64_t n = 1) {
    ASSERT_EQ(write_file(f, {reinterpret_cast<char*>(&n), 8}).value(), 8u);
  }
  static uint64_t deadline(int ms) { return host::monotonic_ns() + static_cast<uint64_t>(ms) * 1'000'000; }

  TestKernel k;
  Ref<FdTable> fds = make<FdTable>().take();
};

TEST_F(PollTest, TellsWhatHoldsNow) {
  Ref<File> quiet = event(), ready = event(1);
  PollItem items[] = {{install(quiet), kIn}, {install(ready), kIn}, {-1, kIn}, {77, kIn | kPollNval}};
  EXPECT_EQ(poll_files(*fds, items, 0).value(), 2);
  EXPECT_EQ(items[0].got, 0u);
  EXPECT_EQ(items[1].got, kPollIn);  // all that Linux says of eventfds
  EXPECT_EQ(items[2].got, 0u);
  EXPECT_EQ(items[3].got, kPollNval);
}

TEST_F(PollTest, TimesOut) {
  PollItem items[] = {{install(event()), kIn}};
  uint64_t before = host::monotonic_ns();
  EXPECT_EQ(poll_files(*fds, items, before + 20'000'000).value(), 0);
  EXPECT_GE(host::monotonic_ns(), before + 20'000'000);
  EXPECT_EQ(poll_files(*fds, {}, deadline(1)).value(), 0);
}

TEST_F(PollTest, WakesForTheOneThatBecomesReadyAmongMany) {
  std::vector<PollItem> items;
  std::vector<Ref<File>> files;
  for (int i = 0; i < 100; i++) {  // more than there is room for without allocation
    files.push_back(event());
    items.push_back({install(files.back()), kIn});
  }
  size_t before = k.scope.active_objects();
  TestThread later(k, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    signal(*files[83]);
  });
  EXPECT_EQ(poll_files(*fds, items, deadline(10000)).value(), 1);
  EXPECT_EQ(items[83].got, kPollIn);
  EXPECT_TRUE(later.ends_within(5000));
  EXPECT_EQ(k.scope.active_objects(), before);
}

TEST_F(PollTest, WithoutMemoryForWaitersIsEnomem) {
  std::vector<PollItem> items;
  for (int i = 0; i < 10; i++) items.push_back({install(event()), kIn});
  k.scope.arena().fail_nth(1);
  EXPECT_EQ(poll_files(*fds, items, deadline(10000)).error(), Errno::ENOMEM);
}

TEST_F(PollTest, AFileClosedMeanwhileStaysUntilTheWaitIsOver) {
  Ref<File> f = event();
  int fd = install(f);
  auto shared = fds;  // by two tasks: an unshared table borrows without a lock
  PollItem items[] = {{fd, kIn | kPollNval}};
  TestThread closer(k, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    File* raw = f.get();
    Ref<File> held(*raw);
    ASSERT_TRUE(fds->close(fd).ok());
    { Ref<File> gone = std::move(f); }
    signal(*raw);
  });
  EXPECT_EQ(poll_files(*fds, items, deadline(10000)).value(), 1);
  EXPECT_EQ(items[0].got, kPollNval);
}

TEST_F(PollTest, EventfdCounts) {
  Ref<File> f = event(3);
  signal(*f, 4);
  EXPECT_EQ(read_file(*f, 8), text({"\x07\0\0\0\0\0\0\0", 8}));
  EXPECT_EQ(read_file(*f, 8), error(Errno::EAGAIN));
  EXPECT_EQ(read_file(*f, 7), error(Errno::EINVAL));
  uint64_t too_much = ~0ull;
  EXPECT_EQ(write_file(*f, {reinterpret_cast<char*>(&too_much), 8}).error(), Errno::EINVAL);
  signal(*f, ~0ull - 1);
  EXPECT_EQ(f->poll(nullptr), kPollIn);
  uint64_t one = 1;
  EXPECT_EQ(write_file(*f, {reinterpret_cast<char*>(&one), 8}).error(), Errno::EAGAIN);
}

TEST_F(PollTest, EventfdAsSemaphore) {
  Ref<File> f = EventFd::create(2, EventFd::Mode::kSemaphore, abi::kONonblock).take();
  std::string_view one{"\x01\0\0\0\0\0\0\0", 8};
  EXPECT_EQ(read_file(*f, 8), text(one));
  EXPECT_EQ(read_file(*f, 8), text(one));
  EXPECT_EQ(read_file(*f, 8), error(Errno::EAGAIN));
}

TEST_F(PollTest, EventfdReaderWaits) {
  Ref<File> f = EventFd::create(0, EventFd::Mode::kCounter, 0).take();
  ReadOutcome got;
  TestThread reader(k, [&] { got = read_file(*f, 8); });
  EXPECT_FALSE(reader.ends_within(20));
  signal(*f, 5);
  EXPECT_TRUE(reader.ends_within(5000));
  EXPECT_EQ(got.text[0], 5);
}

}  // namespace
}  // namespace lodge
