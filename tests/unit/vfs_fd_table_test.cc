// Descriptor tables: numbers, reservations, copies, close-on-exec, and who holds a file.
#include <set>

#include "kernel/file/file_lock.h"
#include "vfs_support.h"

namespace lodge {
namespace {

class FdTableTest : public VfsTest {
 protected:
  Ref<File> file() { return open("/", abi::kORdonly | abi::kODirectory).take(); }
  int add(FdTable& t, uint64_t limit = 1024, uint32_t from = 0, FdCloexec c = FdCloexec::kNo) {
    Result<FdReservation> r = t.reserve(limit, c, from);
    if (!r.ok()) return -static_cast<int>(r.error());
    return r->install(file());
  }
  static int no(Errno e) { return -static_cast<int>(e); }
};

TEST_F(FdTableTest, LowestFreeNumber) {
  for (int i = 0; i < 200; i++) ASSERT_EQ(add(*fds), i);
  for (int fd : {7, 64, 130}) ASSERT_TRUE(fds->close(fd).ok());
  EXPECT_EQ(add(*fds), 7);
  EXPECT_EQ(add(*fds, 1024, 65), 130);
  EXPECT_EQ(add(*fds), 64);
  EXPECT_EQ(add(*fds), 200);
  EXPECT_EQ(add(*fds, 201), no(Errno::EMFILE));
  EXPECT_EQ(add(*fds, 100, 100), no(Errno::EINVAL));
  EXPECT_EQ(add(*fds, 1024, 1000), 1000);
  EXPECT_EQ(errno_of(fds->close(500)), Errno::EBADF);
  EXPECT_EQ(errno_of(fds->close(-1)), Errno::EBADF);
  EXPECT_EQ(errno_of(fds->get(5000)), Errno::EBADF);
}

TEST_F(FdTableTest, ReservedIsTakenButNotVisible) {
  {
    FdReservation a = fds->reserve(16, FdCloexec::kNo).take();
    EXPECT_EQ(a.fd(), 0);
    EXPECT_EQ(errno_of(fds->get(0)), Errno::EBADF);
    EXPECT_EQ(errno_of(fds->close(0)), Errno::EBADF);
    EXPECT_EQ(errno_of(fds->replace(0, file(), 16, FdCloexec::kNo)), Errno::EBUSY);
    EXPECT_EQ(add(*fds), 1);
  }
  EXPECT_EQ(add(*fds), 0);  // given back
}

TEST_F(FdTableTest, BorrowedAloneCountedWhenShared) {
  int fd = add(*fds);
  EXPECT_EQ((*fds->get(fd))->ref_count(), 1u);
  RefPtr<FdTable> other = fds;  // a second task's
  {
    FileGuard g = fds->get(fd).take();
    EXPECT_EQ(g->ref_count(), 2u);
    ASSERT_TRUE(other->close(fd).ok());
    EXPECT_EQ(g->ref_count(), 1u);  // still there for the call
  }
  EXPECT_EQ(errno_of(fds->get(fd)), Errno::EBADF);
}

TEST_F(FdTableTest, CopyAndCloseOnExec) {
  for (int i = 0; i < 100; i++) add(*fds, 1024, 0, cloexec_if(i % 3 == 0));
  ASSERT_TRUE(fds->close(50).ok());
  Ref<FdTable> copy = fds->copy().take();
  EXPECT_EQ(errno_of(copy->get(50)), Errno::EBADF);
  EXPECT_EQ((*fds->get(99))->ref_count(), 2u);
  copy->close_on_exec();
  for (int i = 0; i < 100; i++) EXPECT_EQ(copy->get(i).ok(), i % 3 != 0 && i != 50) << i;
  EXPECT_TRUE(fds->get(99).ok());
  EXPECT_EQ((*fds->get(99))->ref_count(), 1u);
  EXPECT_TRUE(*fds->cloexec(99));
  ASSERT_TRUE(fds->set_cloexec(99, FdCloexec::kNo).ok());
  EXPECT_FALSE(*fds->cloexec(99));
  Ref<FdTable> few = fds->copy(10).take();
  EXPECT_EQ(few->next_open(9), 9);
  EXPECT_EQ(few->next_open(10), -1);
}

TEST_F(FdTableTest, CloseRangeAndReplace) {
  for (int i = 0; i < 300; i++) add(*fds);
  fds->close_range(10, 290);
  EXPECT_EQ(fds->next_open(10), 291);
  fds->set_cloexec_range(295, ~0u);
  EXPECT_TRUE(*fds->cloexec(299));
  EXPECT_FALSE(*fds->cloexec(294));
  EXPECT_EQ(*fds->replace(299, file(), 1024, FdCloexec::kNo), 299);
  EXPECT_FALSE(*fds->cloexec(299));
  EXPECT_EQ(*fds->replace(700, file(), 1024, FdCloexec::kYes), 700);
  EXPECT_TRUE(*fds->cloexec(700));
  EXPECT_EQ(errno_of(fds->replace(1024, file(), 1024, FdCloexec::kNo)), Errno::EBADF);
  EXPECT_EQ(add(*fds), 10);
}

TEST_F(FdTableTest, RandomAgainstASet) {
  std::set<int> model;
  unsigned state = 12345;
  auto random = [&] { return state = state * 1103515245 + 12345, state >> 8; };
  for (int i = 0; i < 20000; i++) {
    if (random() % 2 || model.empty()) {
      auto from = static_cast<int>(random() % 400);
      int want = from;
      while (model.count(want)) want++;
      int got = add(*fds, 512, static_cast<uint32_t>(from));
      ASSERT_EQ(got, want < 512 ? want : no(Errno::EMFILE));
      if (got >= 0) model.insert(got);
    } else {
      auto fd = static_cast<int>(random() % 512);
      ASSERT_EQ(fds->close(fd).ok(), model.erase(fd) == 1);
    }
  }
}

TEST_F(FdTableTest, PosixLocksGoWithTheDescriptor) {
  ASSERT_EQ(put_file("/f", "x"), Errno{});
  auto open_f = [&](FdTable& t) {
    return t.reserve(64, FdCloexec::kNo).take().install(open("/f", abi::kORdwr).take());
  };
  Ref<FdTable> other = make<FdTable>().take();
  int a = open_f(*fds), b = open_f(*fds);
  Inode& inode = *lookup("/f")->dentry()->inode();
  FileLock mine;
  mine.owner = fds.get();
  mine.type = LockType::kWrite;
  mine.range = {10, 19};
  ASSERT_TRUE(set_file_lock(inode, mine, LockWait::kNo).ok());
  FileLock theirs = mine;
  theirs.owner = &*other;
  EXPECT_EQ(errno_of(set_file_lock(inode, theirs, LockWait::kNo)), Errno::EAGAIN);
  theirs.range = {20, 29};
  EXPECT_TRUE(set_file_lock(inode, theirs, LockWait::kNo).ok());
  // Unlocking the middle leaves two pieces.
  FileLock middle = mine;
  middle.type = LockType::kNone;
  middle.range = {13, 15};
  ASSERT_TRUE(set_file_lock(inode, middle, LockWait::kNo).ok());
  theirs.range = {13, 15};
  EXPECT_EQ(find_conflict(inode, theirs).type, LockType::kNone);
  theirs.range = {12, 15};
  EXPECT_EQ(find_conflict(inode, theirs).range.last, 12u);
  ASSERT_TRUE(fds->close(b).ok());  // any descriptor of the file does (fcntl(2))
  theirs.range = {0, LockRange::kToEnd};
  EXPECT_EQ(find_conflict(inode, theirs).type, LockType::kNone);
  ASSERT_TRUE(fds->close(a).ok());
  release_posix_locks(*open("/f", abi::kORdwr).take(), &*other);
}

}  // namespace
}  // namespace lodge
