// Sets of files against epoll(7) and epoll_ctl(2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/ipc/event_fd.h"
#include "tests/unit/ipc_support.h"

namespace lodge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EpollTest : public testing::Test {
 protected:
  struct Set {
    Ref<File> file;
    Epoll* operator->() { return file_cast<Epoll>(*file); }
  };
  static Set new_set() { return {Epoll::create().take()}; }
  static Ref<File> event(uint32_t initial = 0) {
    return EventFd::create(initial, EventFd::Mode::kCounter, abi::kONonblock).take();
  }
  static void signal(File& f) {
    uint64_t one = 1;
    ASSERT_TRUE(write_file(f, {reinterpret_cast<char*>(&one), 8}).ok());
  }
  static void drain(File& f) { (void)read_file(f, 8); }
  // The data of what is ready, without waiting.
  static std::vector<uint64_t> ready(Set& s, int max = 16) {
    abi::EpollEvent events[16];
    auto n = s->wait(reinterpret_cast<UserAddr>(events), max, 0);
    EXPECT_TRUE(n.ok());
    std::vector<uint64_t> data;
    for (int i = 0; i < n.value_or(0); i++) data.push_back(events[i].data);
    return data;
  }

  TestKernel k;
};

TEST_F(EpollTest, LevelTriggeredTellsAsLongAsItHolds) {
  Set s = new_set();
  Ref<File> f = event();
  ASSERT_TRUE(s->add(*f, 3, {kPollIn, 42}).ok());
  EXPECT_THAT(ready(s), IsEmpty());
  signal(*f);
  EXPECT_THAT(ready(s), ElementsAre(42));
  EXPECT_THAT(ready(s), ElementsAre(42));
  drain(*f);
  EXPECT_THAT(ready(s), IsEmpty());
}

TEST_F(EpollTest, EdgeTriggeredTellsOncePerEvent) {
  Set s = new_set();
  Ref<File> f = event(1);
  ASSERT_TRUE(s->add(*f, 3, {kPollIn | abi::kEpollEt, 1}).ok());
  EXPECT_THAT(ready(s), ElementsAre(1));  // it held when it was added
  EXPECT_THAT(ready(s), IsEmpty());
  signal(*f);
  EXPECT_THAT(ready(s), ElementsAre(1));
  EXPECT_THAT(ready(s), IsEmpty());
}

TEST_F(EpollTest, OneshotTellsOnceUntilRearmed) {
  Set s = new_set();
  Ref<File> f = event(1);
  ASSERT_TRUE(s->add(*f, 3, {kPollIn | abi::kEpollOneshot, 1}).ok());
  EXPECT_THAT(ready(s), ElementsAre(1));
  signal(*f);
  EXPECT_THAT(ready(s), IsEmpty());
  ASSERT_TRUE(s->modify(*f, 3, {kPollIn | abi::kEpollOneshot, 2}).ok());
  EXPECT_THAT(ready(s), ElementsAre(2));
}

TEST_F(EpollTest, TakesTurnsWhenMoreIsReadyThanAskedFor) {
  Set s = new_set();
  std::vector<Ref<File>> files;
  for (int i = 0; i < 3; i++) {
    files.push_back(event(1));
    ASSERT_TRUE(s->add(*files.back(), i, {kPollIn, static_cast<uint64_t>(i)}).ok());
  }
  EXPECT_THAT(ready(s, 2), ElementsAre(0, 1));
  EXPECT_THAT(ready(s, 2), ElementsAre(2, 0));
}

TEST_F(EpollTest, ControlErrors) {
  Set s = new_set();
  Ref<File> f = event();
  EXPECT_EQ(s->modify(*f, 3, {kPollIn, 0}).error(), Errno::ENOENT);
  EXPECT_EQ(s->remove(*f, 3).error(), Errno::ENOENT);
  ASSERT_TRUE(s->add(*f, 3, {kPollIn, 1}).ok());
  EXPECT_EQ(s->add(*f, 3, {kPollIn, 1}).error(), Errno::EEXIST);
  EXPECT_TRUE(s->add(*f, 4, {kPollIn, 2}).ok());  // a duplicate of the descriptor is another item
  ASSERT_TRUE(s->remove(*f, 3).ok());
  signal(*f);
  EXPECT_THAT(ready(s), ElementsAre(2));
  EXPECT_EQ(s->add(*f, 5, {kPollIn | abi::kEpollExclusive | abi::kEpollOneshot, 1}).error(), Errno::EINVAL);
  ASSERT_TRUE(s->add(*f, 5, {kPollIn | abi::kEpollExclusive, 1}).ok());
  EXPECT_EQ(s->modify(*f, 5, {kPollIn, 1}).error(), Errno::EINVAL);
}

TEST_F(EpollTest, AFileLeavesWithItsLastReference) {
  Set s = new_set();
  size_t before = k.scope.active_objects();
  {
    Ref<File> f = event(1);
    ASSERT_TRUE(s->add(*f, 3, {kPollIn, 1}).ok());
    EXPECT_THAT(ready(s), ElementsAre(1));
  }
  EXPECT_THAT(ready(s), IsEmpty());
  EXPECT_EQ(k.scope.active_objects(), before);
}

TEST_F(EpollTest, ASetLeavesItsFiles) {
  Ref<File> f = event();
  size_t before = k.scope.active_objects();
  {
    Set s = new_set();
    ASSERT_TRUE(s->add(*f, 3, {kPollIn, 1}).ok());
  }
  signal(*f);                                       // nobody listens, nothing breaks
  EXPECT_LE(k.scope.active_objects(), before + 1);  // the file keeps its watch list
}

TEST_F(EpollTest, SetsNest) {
  Set inner = new_set(), outer = new_set();
  Ref<File> f = event();
  ASSERT_TRUE(inner->add(*f, 3, {kPollIn, 1}).ok());
  ASSERT_TRUE(outer->add(*inner.file, 4, {kPollIn, 2}).ok());
  EXPECT_THAT(ready(outer), IsEmpty());
  signal(*f);
  EXPECT_THAT(ready(outer), ElementsAre(2));
  drain(*f);
  EXPECT_THAT(ready(outer), IsEmpty());
  signal(*f);
  EXPECT_THAT(ready(outer), ElementsAre(2));
}

TEST_F(EpollTest, LoopsAndDeepChainsAreEloop) {
  std::vector<Set> chain;
  for (int i = 0; i < 5; i++) chain.push_back(new_set());
  for (size_t i = 0; i + 1 < chain.size(); i++)
    ASSERT_TRUE(chain[i + 1]->add(*chain[i].file, 3, {kPollIn, 1}).ok()) << i;
  EXPECT_EQ(chain[0]->add(*chain[3].file, 3, {kPollIn, 1}).error(), Errno::ELOOP);
  Set top = new_set();
  EXPECT_EQ(top->add(*chain[4].file, 3, {kPollIn, 1}).error(), Errno::ELOOP);
  EXPECT_TRUE(top->add(*chain[3].file, 3, {kPollIn, 1}).ok());
}

TEST_F(EpollTest, WaitsUntilSomethingHappens) {
  Set s = new_set();
  Ref<File> f = event();
  ASSERT_TRUE(s->add(*f, 3, {kPollIn, 9}).ok());
  abi::EpollEvent e{};
  int n = -1;
  TestThread waiter(k, [&] { n = s->wait(reinterpret_cast<UserAddr>(&e), 1, host::kNever).value_or(-2); });
  EXPECT_FALSE(waiter.ends_within(20));
  signal(*f);
  EXPECT_TRUE(waiter.ends_within(5000));
  EXPECT_EQ(n, 1);
  EXPECT_EQ(uint64_t{e.data}, 9u);
  uint64_t before = host::monotonic_ns();
  drain(*f);
  EXPECT_EQ(s->wait(reinterpret_cast<UserAddr>(&e), 1, before + 10'000'000).value(), 0);
  EXPECT_GE(host::monotonic_ns(), before + 10'000'000);
}

TEST_F(EpollTest, AnUnmappedArrayIsEfaultAndLosesNothing) {
  Set s = new_set();
  Ref<File> f = event(1);
  ASSERT_TRUE(s->add(*f, 3, {kPollIn | abi::kEpollEt, 1}).ok());
  EXPECT_EQ(s->wait(UserAddr{16}, 1, 0).error(), Errno::EFAULT);
  EXPECT_THAT(ready(s), ElementsAre(1));
}

TEST_F(EpollTest, PipesTellOfBothEnds) {
  Set s = new_set();
  PipeFiles p = make_pipe(abi::kONonblock, test_cred).take();
  ASSERT_TRUE(s->add(*p.read_end, 3, {kPollIn, 1}).ok());
  ASSERT_TRUE(s->add(*p.write_end, 4, {kPollOut | abi::kEpollEt, 2}).ok());
  EXPECT_THAT(ready(s), ElementsAre(2));
  ASSERT_TRUE(write_file(*p.write_end, "x").ok());
  EXPECT_THAT(ready(s), ElementsAre(1));
  { Ref<File> gone = std::move(p.write_end); }
  EXPECT_THAT(ready(s), ElementsAre(1));
}

TEST_F(EpollTest, FilesComeAndGoWhileOthersWait) {
  Set s = new_set();
  std::atomic<bool> stop{false};
  {
    TestThread waiter(k, [&] {
      abi::EpollEvent events[4];
      while (!stop) (void)s->wait(reinterpret_cast<UserAddr>(events), 4, host::monotonic_ns() + 1'000'000);
    });
    for (int i = 0; i < 3000; i++) {
      Ref<File> f = event();
      ASSERT_TRUE(s->add(*f, 3, {kPollIn, 1}).ok());
      signal(*f);
      if (i % 2) {
        ASSERT_TRUE(s->remove(*f, 3).ok());
      }
    }
    stop = true;
  }
  EXPECT_THAT(ready(s), IsEmpty());
}

}  // namespace
}  // namespace lodge
