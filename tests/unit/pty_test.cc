// Terminals as files: ptys, waiting reads, job control, hang-up (pty(7), termios(3), ioctl_tty(2)).
#include "kernel/tty/pty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/abi/ioctl.h"
#include "kernel/abi/signal.h"
#include "kernel/tty/job_control.h"
#include "kernel/tty/tty_file.h"
#include "tests/unit/ipc_support.h"

namespace lodge {

// Who the one process of these tests is, and what became of signals.
struct FakeJob {
  JobIds ids{10, 1, false};
  RefPtr<Tty> tty;
  bool ignores = false, orphaned = false;
  std::vector<std::pair<int, int>> group_signals;    // group, signal
  std::vector<std::pair<int, int>> session_signals;  // session, signal
};
FakeJob* job;

JobIds job_ids(Thread&) {
  return job->ids;
}
RefPtr<Tty> controlling_tty(Thread&) {
  return job->tty;
}
void set_controlling_tty(Thread&, RefPtr<Tty> tty) {
  job->tty = tty;
}
void clear_controlling_tty(int32_t, int32_t) {
  job->tty = nullptr;
}
int32_t take_old_foreground(Thread&) {
  return 0;
}
int32_t session_of_group(int32_t group) {
  return group == 77 ? 0 : group == 99 ? 5 : 1;
}
void signal_group(int32_t group, int signo) {
  job->group_signals.emplace_back(group, signo);
}
void signal_session_leader(int32_t session, int signo) {
  job->session_signals.emplace_back(session, signo);
}
bool group_is_orphaned(int32_t) {
  return job->orphaned;
}
bool ignores_or_blocks(Thread&, int) {
  return job->ignores;
}

namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr PollEvents kIn = kPollIn | kPollRdNorm, kOut = kPollOut | kPollWrNorm;

class FakeOwner final : public PtyOwner {
 public:
  void keep() override { kept++; }
  void let_go() override { kept--; }
  void master_closed(Pty&) override { closed++; }
  void gone(uint32_t index) override { freed.push_back(index); }
  Result<Ref<File>> open_peer(Pty&, uint32_t) override { return Errno::EIO; }
  int kept = 0, closed = 0;
  std::vector<uint32_t> freed;
};

class PtyTest : public testing::Test {
 protected:
  PtyTest() {
    job = &job_;
    pty_ = Pty::create(3, owner).take();
    master.emplace(make<PtyMasterFile>(anon_inode(), Ref<Pty>(*pty_), abi::kORdwr | abi::kONonblock).take());
  }
  ~PtyTest() override {
    job_.tty = nullptr;
    slave.reset();
    master.reset();
    pty_ = nullptr;
  }
  void open(uint32_t flags = abi::kONonblock | abi::kONoctty) {
    int32_t unlock = 0;
    ASSERT_TRUE((*master)->ioctl(abi::kTiocsptlck, address(unlock)).ok());
    slave.emplace(pty_->open_slave(*anon_inode(), abi::kORdwr | flags).take());
  }
  template <typename T>
  static uint64_t address(T& v) {
    return reinterpret_cast<uint64_t>(&v);
  }
  template <typename F>
  void change(F f) {
    abi::Termios t;
    ASSERT_TRUE((*slave)->ioctl(abi::kTcgets, address(t)).ok());
    f(t);
    ASSERT_TRUE((*slave)->ioctl(abi::kTcsets, address(t)).ok());
  }
  void raw(uint8_t min = 1, uint8_t time = 0) {
    change([&](abi::Termios& t) {
      t.iflag = t.oflag = t.lflag = 0;
      t.cc[abi::kVmin] = min;
      t.cc[abi::kVtime] = time;
    });
  }
  void type(std::string_view s) { ASSERT_EQ(write_file(**master, s).value(), s.size()); }
  void make_foreground(int group) {
    job_.ids.leads_session = true;
    ASSERT_TRUE((*slave)->ioctl(abi::kTiocsctty, 0).ok());
    job_.ids.leads_session = false;
    int own = std::exchange(job_.ids.group, group);
    job_.ids.group = own;
    ASSERT_TRUE((*slave)->ioctl(abi::kTiocspgrp, address(group)).ok());
  }
  ReadOutcome read_slave(size_t n = 100) { return read_file(**slave, n); }
  ReadOutcome read_master(size_t n = 100) { return read_file(**master, n); }

  TestKernel k;
  FakeJob job_;
  FakeOwner owner;
  RefPtr<Pty> pty_;
  std::optional<Ref<File>> master, slave;
};

TEST_F(PtyTest, ALockedSlaveDoesNotOpen) {
  EXPECT_EQ(pty_->open_slave(*anon_inode(), abi::kORdwr).error(), Errno::EIO);
  open();
  uint32_t index = 0;
  EXPECT_TRUE((*master)->ioctl(abi::kTiocgptn, address(index)).ok());
  EXPECT_EQ(index, 3u);
  char name[16];
  EXPECT_EQ(pty_->name(name), "pts/3");
}

TEST_F(PtyTest, CarriesLinesAndEcho) {
  open();
  EXPECT_EQ(read_slave(), error(Errno::EAGAIN));
  type("hello\r");
  EXPECT_EQ(read_master(), text("hello\r\n"));
  EXPECT_EQ(read_slave(3), text("hel"));
  EXPECT_EQ(read_slave(), text("lo\n"));
  ASSERT_TRUE(write_file(**slave, "out\n").ok());
  EXPECT_EQ(read_master(), text("out\r\n"));
  EXPECT_EQ(read_master(), error(Errno::EAGAIN));
}

TEST_F(PtyTest, PollOfBothSides) {
  EXPECT_EQ((*master)->poll(nullptr), kOut);
  open();
  EXPECT_EQ((*slave)->poll(nullptr), kOut);
  type("x\n");
  EXPECT_EQ((*slave)->poll(nullptr), kIn | kOut);
  EXPECT_EQ((*master)->poll(nullptr), kIn | kOut);
  slave.reset();
  (void)read_master();
  EXPECT_EQ((*master)->poll(nullptr), kOut | kPollHup);
}

TEST_F(PtyTest, MasterReadsRestThenEioOnceTheSlaveIsClosed) {
  open();
  ASSERT_TRUE(write_file(**slave, "last words").ok());
  slave.reset();
  EXPECT_EQ(read_master(), text("last words"));
  EXPECT_EQ(read_master(), error(Errno::EIO));
  // What the master types meanwhile waits for the next who opens the slave.
  EXPECT_TRUE(write_file(**master, "x").ok());
  EXPECT_EQ(read_master(), text("x"));  // its echo
  open();
  EXPECT_EQ(read_master(), error(Errno::EAGAIN));
}

TEST_F(PtyTest, ClosingTheMasterHangsUp) {
  open();
  make_foreground(10);
  type("unread");
  job_.group_signals.clear();
  master.reset();
  EXPECT_EQ(owner.closed, 1);
  EXPECT_THAT(job_.session_signals, ElementsAre(Pair(1, abi::kSigHup), Pair(1, abi::kSigCont)));
  EXPECT_FALSE(job_.tty);
  EXPECT_EQ(read_slave(), text(""));
  EXPECT_EQ(write_file(**slave, "x").error(), Errno::EIO);
  abi::Termios t;
  EXPECT_EQ((*slave)->ioctl(abi::kTcgets, address(t)).error(), Errno::EIO);
  EXPECT_EQ((*slave)->poll(nullptr), kIn | kOut | kPollErr | kPollHup);
  EXPECT_EQ(pty_->open_slave(*anon_inode(), abi::kORdwr).error(), Errno::EIO);
}

TEST_F(PtyTest, TheNumberIsFreeWithTheLastReference) {
  open();
  master.reset();
  pty_ = nullptr;
  EXPECT_TRUE(owner.freed.empty());
  slave.reset();
  EXPECT_THAT(owner.freed, ElementsAre(3u));
  EXPECT_EQ(owner.kept, 0);
}

TEST_F(PtyTest, RawReadsByMinAndTime) {
  open(abi::kONoctty);
  raw(0, 0);
  EXPECT_EQ(read_slave(), text(""));  // neither: what there is
  raw(0, 1);
  uint64_t before = host::monotonic_ns();
  EXPECT_EQ(read_slave(), text(""));  // time alone: that long for the first byte
  EXPECT_GE(host::monotonic_ns() - before, 100'000'000u);
  raw(3, 0);
  ReadOutcome got;
  TestThread reader(k, [&] { got = read_slave(); });
  type("ab");
  EXPECT_FALSE(reader.ends_within(30));
  type("c");
  EXPECT_TRUE(reader.ends_within(5000));
  EXPECT_EQ(got, text("abc"));
}

TEST_F(PtyTest, RawReadBothMinAndTime) {
  open(abi::kONoctty);
  raw(5, 1);
  ReadOutcome got;
  TestThread reader(k, [&] { got = read_slave(); });
  EXPECT_FALSE(reader.ends_within(150));  // the clock starts with the first byte
  type("ab");
  EXPECT_TRUE(reader.ends_within(5000));
  EXPECT_EQ(got, text("ab"));
}

TEST_F(PtyTest, WriterWaitsForTheMaster) {
  open(abi::kONoctty);
  raw();
  std::string much(100000, 'x'), got;
  TestThread writer(k, [&] { ASSERT_EQ(write_file(**slave, much).value(), much.size()); });
  while (got.size() < much.size()) {
    ReadOutcome r = read_master(5000);
    if (r.error == Errno::EAGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    got += r.text;
  }
  EXPECT_TRUE(writer.ends_within(5000));
  EXPECT_EQ(got, much);
}

TEST_F(PtyTest, InputBeyondTheLineDisciplineWaitsInTheDriver) {
  open();
  raw();
  std::string much(20000, 'y'), got;
  size_t sent = write_file(**master, much).value();
  EXPECT_GE(sent, 12000u);
  EXPECT_LT(sent, much.size());
  EXPECT_EQ(write_file(**master, "z").error(), Errno::EAGAIN);
  while (got.size() < sent) got += read_slave(3000).text;
  EXPECT_EQ(got, much.substr(0, sent));
  EXPECT_EQ(read_slave(), error(Errno::EAGAIN));
}

TEST_F(PtyTest, SignalsGoToTheForegroundGroup) {
  open();
  make_foreground(20);
  type("\x03");
  EXPECT_THAT(job_.group_signals, ElementsAre(Pair(20, abi::kSigInt)));
  abi::Winsize size{24, 80, 0, 0};
  ASSERT_TRUE((*master)->ioctl(abi::kTiocswinsz, address(size)).ok());
  ASSERT_TRUE((*master)->ioctl(abi::kTiocswinsz, address(size)).ok());  // no change, no signal
  EXPECT_THAT(job_.group_signals, ElementsAre(Pair(20, abi::kSigInt), Pair(20, abi::kSigWinch)));
  abi::Winsize seen;
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocgwinsz, address(seen)).ok());
  EXPECT_EQ(seen.columns, 80);
}

TEST_F(PtyTest, BackgroundReadersAreStopped) {
  open();
  make_foreground(20);
  EXPECT_EQ(read_slave(), error(Errno::EINTR));
  EXPECT_EQ(current().restart, Restart::kSys);
  EXPECT_THAT(job_.group_signals, ElementsAre(Pair(10, abi::kSigTtin)));
  job_.ignores = true;
  EXPECT_EQ(read_slave(), error(Errno::EIO));
  job_.ignores = false;
  job_.orphaned = true;
  EXPECT_EQ(read_slave(), error(Errno::EIO));
}

TEST_F(PtyTest, BackgroundWritersAreStoppedWithTostop) {
  open();
  make_foreground(10);
  change([](abi::Termios& t) { t.lflag |= abi::kTostop; });
  int32_t group = 20;
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocspgrp, address(group)).ok());
  EXPECT_EQ(write_file(**slave, "x").error(), Errno::EINTR);
  EXPECT_THAT(job_.group_signals, ElementsAre(Pair(10, abi::kSigTtou)));
  job_.ignores = true;
  EXPECT_TRUE(write_file(**slave, "x").ok());
}

TEST_F(PtyTest, ControllingTerminal) {
  open();
  int32_t value = 0;
  EXPECT_EQ((*slave)->ioctl(abi::kTiocgpgrp, address(value)).error(), Errno::ENOTTY);
  EXPECT_EQ((*slave)->ioctl(abi::kTiocsctty, 0).error(), Errno::EPERM);  // no session leader
  EXPECT_EQ((*slave)->ioctl(abi::kTiocnotty, 0).error(), Errno::ENOTTY);
  make_foreground(10);
  EXPECT_EQ(job_.tty.get(), pty_.get());
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocgsid, address(value)).ok());
  EXPECT_EQ(value, 1);
  value = 77;
  EXPECT_EQ((*slave)->ioctl(abi::kTiocspgrp, address(value)).error(), Errno::ESRCH);
  value = 99;
  EXPECT_EQ((*slave)->ioctl(abi::kTiocspgrp, address(value)).error(), Errno::EPERM);
  value = -1;
  EXPECT_EQ((*slave)->ioctl(abi::kTiocspgrp, address(value)).error(), Errno::EINVAL);
  job_.ids.leads_session = true;
  job_.group_signals.clear();
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocnotty, 0).ok());
  EXPECT_THAT(job_.group_signals, ElementsAre(Pair(10, abi::kSigHup), Pair(10, abi::kSigCont)));
  EXPECT_EQ(pty_->session(), 0);
}

TEST_F(PtyTest, ALeaderAcquiresByOpening) {
  job_.ids.leads_session = true;
  open(abi::kONonblock);
  EXPECT_EQ(job_.tty.get(), pty_.get());
  EXPECT_EQ(pty_->foreground_group(), 10);
}

TEST_F(PtyTest, PacketModeTellsOfFlushesAndFlowControl) {
  open();
  int32_t on = 1;
  ASSERT_TRUE((*master)->ioctl(abi::kTiocpkt, address(on)).ok());
  ASSERT_TRUE(write_file(**slave, "data").ok());
  EXPECT_EQ(read_master(), text({"\0data", 5}));
  ASSERT_TRUE((*slave)->ioctl(abi::kTcflsh, abi::kTciflush).ok());
  EXPECT_EQ((*master)->poll(nullptr), kIn | kOut | kPollPri);
  EXPECT_EQ(read_master(), text({"\x01", 1}));
  change([](abi::Termios& t) { t.iflag &= ~abi::kIxon; });
  EXPECT_EQ(read_master(), text({"\x10", 1}));  // TIOCPKT_NOSTOP
  EXPECT_EQ(read_master(), error(Errno::EAGAIN));
}

TEST_F(PtyTest, FlowControlHoldsOutputBack) {
  open();
  type("\x13");
  EXPECT_EQ(write_file(**slave, "held").error(), Errno::EAGAIN);
  type("\x11");
  EXPECT_EQ(write_file(**slave, "gone").value(), 4u);
  EXPECT_EQ(read_master(), text("gone"));
}

TEST_F(PtyTest, QueuesAreCountedAndFlushed) {
  open();
  type("line\npart");
  int32_t n = 0;
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocinq, address(n)).ok());
  EXPECT_EQ(n, 5);
  ASSERT_TRUE((*slave)->ioctl(abi::kTcflsh, abi::kTcioflush).ok());
  ASSERT_TRUE((*slave)->ioctl(abi::kTiocinq, address(n)).ok());
  EXPECT_EQ(n, 0);
  EXPECT_EQ((*slave)->ioctl(abi::kTcflsh, 7).error(), Errno::EINVAL);
  EXPECT_EQ((*slave)->ioctl(abi::kTiocsti, address(n)).error(), Errno::EIO);
  EXPECT_EQ((*slave)->ioctl(0x1234, 0).error(), Errno::ENOTTY);
}

TEST_F(PtyTest, SpeedsOfBothKinds) {
  open();
  abi::Termios2 t{};
  ASSERT_TRUE((*slave)->ioctl(abi::kTcgets2, address(t)).ok());
  EXPECT_EQ(t.ospeed, 38400u);
  t.base.cflag = (t.base.cflag & ~abi::kCbaud) | abi::kBother;
  t.ospeed = t.ispeed = 12345;
  ASSERT_TRUE((*slave)->ioctl(abi::kTcsets2, address(t)).ok());
  ASSERT_TRUE((*slave)->ioctl(abi::kTcgets2, address(t)).ok());
  EXPECT_EQ(t.ospeed, 12345u);
}

TEST_F(PtyTest, NothingIsLeftBehind) {
  auto use_one = [&] {
    Ref<Pty> other = Pty::create(4, owner).take();
    Ref<File> m = make<PtyMasterFile>(anon_inode(), other, abi::kORdwr).take();
    int32_t unlock = 0;
    ASSERT_TRUE(m->ioctl(abi::kTiocsptlck, address(unlock)).ok());
    Ref<File> s = other->open_slave(*anon_inode(), abi::kORdwr | abi::kONoctty).take();
    ASSERT_TRUE(write_file(*m, "abc\n").ok());
  };
  use_one();  // caches keep a page each
  size_t before = k.scope.active_objects(), pages = k.scope.arena().free_page_count();
  use_one();
  EXPECT_EQ(k.scope.active_objects(), before);
  EXPECT_EQ(k.scope.arena().free_page_count(), pages);
}

}  // namespace
}  // namespace lodge
