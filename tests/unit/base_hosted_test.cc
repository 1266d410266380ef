// The hosted host layer keeps the contracts of kernel/host: faults are EFAULT, failures come when they are
// asked for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "kernel/base/layout.h"
#include "kernel/host/host.h"
#include "kernel/host/hosted/inject.h"
#include "kernel/host/hosted/slot_scope.h"
#include "kernel/host/user_copy.h"
#include "kernel/sched/thread.h"

namespace lodge {
namespace {

class UserMemory : public testing::Test {
 protected:
  void SetUp() override {  // a page of guest memory, and one behind it that is not mapped
    page_ = static_cast<char*>(
        mmap(nullptr, 2 * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(page_, MAP_FAILED);
    munmap(page_ + kPageSize, kPageSize);
    end_ = reinterpret_cast<UserAddr>(page_) + kPageSize;
  }
  void TearDown() override { munmap(page_, kPageSize); }
  char* page_;
  UserAddr end_;
};

TEST_F(UserMemory, CopiesAndFaults) {
  char text[8] = "guest";
  EXPECT_TRUE(copy_to_user(end_ - 8, text, 8).ok());
  char back[8] = {};
  EXPECT_TRUE(copy_from_user(back, end_ - 8, 8).ok());
  EXPECT_STREQ(back, "guest");
  EXPECT_EQ(copy_from_user(back, end_ - 4, 8).error(), Errno::EFAULT);
  EXPECT_EQ(copy_to_user(end_ - 4, text, 8).error(), Errno::EFAULT);
  EXPECT_EQ(copy_from_user(back, 0, 8).error(), Errno::EFAULT);
  EXPECT_EQ(copy_from_user(back, ~0ull - 3, 8).error(), Errno::EFAULT);
  EXPECT_TRUE(clear_user(end_ - 8, 8).ok());
  EXPECT_EQ(page_[kPageSize - 8], 0);
  EXPECT_EQ(clear_user(end_ - 8, 9).error(), Errno::EFAULT);
  mprotect(page_, kPageSize, PROT_READ);
  EXPECT_EQ(copy_to_user(end_ - 8, text, 8).error(), Errno::EFAULT);
}

TEST_F(UserMemory, Strings) {
  std::strcpy(page_ + kPageSize - 6, "guest");
  char back[16];
  EXPECT_EQ(string_from_user(back, end_ - 6, sizeof(back)).value(), 5u);  // stops at the NUL, before the hole
  EXPECT_STREQ(back, "guest");
  EXPECT_EQ(string_from_user(back, end_ - 6, 5).error(), Errno::ENAMETOOLONG);
  page_[kPageSize - 1] = 'x';
  EXPECT_EQ(string_from_user(back, end_ - 6, sizeof(back)).error(), Errno::EFAULT);
}

TEST_F(UserMemory, SingleAccesses) {
  EXPECT_TRUE(store_user32(end_ - 4, 7).ok());
  EXPECT_EQ(load_user32(end_ - 4).value(), 7u);
  EXPECT_EQ(cmpxchg_user32(end_ - 4, 7, 8).value(), 7u);
  EXPECT_EQ(cmpxchg_user32(end_ - 4, 7, 9).value(), 8u);
  EXPECT_EQ(load_user32(end_ - 4).value(), 8u);
  EXPECT_TRUE(store_user64(end_ - 8, 1ull << 40).ok());
  EXPECT_EQ(load_user64(end_ - 8).value(), 1ull << 40);
  EXPECT_EQ(load_user32(end_).error(), Errno::EFAULT);
  EXPECT_EQ(store_user64(end_, 1).error(), Errno::EFAULT);
  EXPECT_EQ(cmpxchg_user32(end_, 0, 1).error(), Errno::EFAULT);
}

TEST_F(UserMemory, InjectedFault) {
  hosted::fail_nth(hosted::Injected::kUserCopy, 2);
  char c;
  EXPECT_TRUE(copy_from_user(&c, end_ - 1, 1).ok());
  EXPECT_EQ(copy_from_user(&c, end_ - 1, 1).error(), Errno::EFAULT);
  EXPECT_EQ(hosted::fail_pending(hosted::Injected::kUserCopy), 0u);
  EXPECT_TRUE(copy_from_user(&c, end_ - 1, 1).ok());
}

TEST(HostFiles, ReadWriteAndInjectedError) {
  int fd = memfd_create("image", 0);
  ASSERT_GE(fd, 0);
  auto file = static_cast<host::HostFile>(fd);
  EXPECT_EQ(host::pwrite(file, "abcdef", 6, 100).value(), 6u);
  char back[16] = {};
  EXPECT_EQ(host::pread(file, back, 16, 102).value(), 4u);
  EXPECT_STREQ(back, "cdef");
  auto cached = host::pread_nowait(file, back, 3, 100);  // whether a memfd can, depends on the host
  EXPECT_TRUE(cached.ok() ? *cached == 3 : cached.error() == Errno::EAGAIN);
  EXPECT_TRUE(host::punch_hole(file, 100, 3).ok());
  EXPECT_EQ(host::pread(file, back, 6, 100).value(), 6u);
  EXPECT_EQ(std::memcmp(back, "\0\0\0def", 6), 0);
  hosted::fail_nth(hosted::Injected::kHostIo, 1);
  EXPECT_EQ(host::pread(file, back, 1, 100).error(), Errno::EIO);
  EXPECT_TRUE(host::pread(file, back, 1, 100).ok());
  close(fd);
  EXPECT_EQ(host::pread(file, back, 1, 100).error(), Errno::EBADF);
}

TEST(HostClock, FutexTimesOut) {
  std::atomic<uint32_t> word{1};
  uint64_t start = host::monotonic_ns();
  EXPECT_EQ(host::futex_wait(word, 1, start + 5'000'000).error(), Errno::ETIMEDOUT);
  EXPECT_GE(host::monotonic_ns(), start + 5'000'000);
  EXPECT_EQ(host::futex_wait(word, 0).error(), Errno::EAGAIN);
  EXPECT_EQ(host::futex_wake(word, 1), 0);
}

TEST(Slots, EachThreadHasAThreadUnlessSet) {
  Thread* mine = &current();
  EXPECT_EQ(mine->magic, kSlotMagic);
  EXPECT_EQ(mine->sched.affinity, ~0ull);
  Thread other(1);
  {
    SlotScope scope(other);
    EXPECT_EQ(&current(), &other);
  }
  EXPECT_EQ(&current(), mine);
}

}  // namespace
}  // namespace lodge
