// Pipes and FIFOs against pipe(7) and fifo(7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/abi/ioctl.h"
#include "tests/unit/ipc_support.h"

namespace lodge {
namespace {

constexpr uint32_t kNonblock = abi::kONonblock;

class PipeTest : public testing::Test {
 protected:
  PipeFiles pipe(uint32_t flags = 0) {
    auto r = make_pipe(flags, test_cred);
    EXPECT_TRUE(r.ok());
    return r.take();
  }
  static PollEvents events(File& f) { return f.poll(nullptr); }

  TestKernel k;
};

constexpr PollEvents kIn = kPollIn | kPollRdNorm, kOut = kPollOut | kPollWrNorm;

TEST_F(PipeTest, CarriesBytesInOrder) {
  PipeFiles p = pipe();
  EXPECT_EQ(write_file(*p.write_end, "hello ").value(), 6u);
  EXPECT_EQ(write_file(*p.write_end, "world").value(), 5u);
  EXPECT_EQ(read_file(*p.read_end, 3), text("hel"));
  EXPECT_EQ(read_file(*p.read_end, 100), text("lo world"));
}

TEST_F(PipeTest, EmptyIsEagainThenEofOnceTheWriterIsGone) {
  PipeFiles p = pipe(kNonblock);
  EXPECT_EQ(read_file(*p.read_end, 1), error(Errno::EAGAIN));
  { Ref<File> gone = std::move(p.write_end); }
  EXPECT_EQ(read_file(*p.read_end, 1), text(""));
}

TEST_F(PipeTest, WithoutReaderIsSigpipeAndEpipe) {
  PipeFiles p = pipe();
  { Ref<File> gone = std::move(p.read_end); }
  sigpipes = 0;
  EXPECT_EQ(write_file(*p.write_end, "x").error(), Errno::EPIPE);
  EXPECT_EQ(sigpipes, 1);
  EXPECT_EQ(write_file(*p.write_end, "").value(), 0u);  // nothing to write, nothing broken
}

TEST_F(PipeTest, HoldsSixtyFourKilobytesOfSmallWrites) {
  PipeFiles p = pipe(kNonblock);
  size_t n = 0;
  while (write_file(*p.write_end, "0123456789abcdef").ok()) n += 16;
  EXPECT_EQ(n, 65536u);
  EXPECT_EQ(file_cast<PipeFile>(*p.write_end)->pipe().readable_bytes(), 65536u);
}

TEST_F(PipeTest, WritesUpToPipeBufAreAllOrNothing) {
  PipeFiles p = pipe(kNonblock);
  ASSERT_EQ(write_file(*p.write_end, std::string(65536 - 100, 'a')).value(), 65536u - 100);
  EXPECT_EQ(write_file(*p.write_end, std::string(101, 'b')).error(), Errno::EAGAIN);
  EXPECT_EQ(write_file(*p.write_end, std::string(100, 'b')).value(), 100u);
}

TEST_F(PipeTest, LargerWritesMayBePartial) {
  PipeFiles p = pipe(kNonblock);
  EXPECT_EQ(write_file(*p.write_end, std::string(100000, 'a')).value(), 65536u);
  EXPECT_EQ(write_file(*p.write_end, std::string(5000, 'a')).error(), Errno::EAGAIN);
  ASSERT_EQ(read_file(*p.read_end, 4096).text.size(), 4096u);
  EXPECT_EQ(write_file(*p.write_end, std::string(5000, 'a')).value(), 4096u);
}

TEST_F(PipeTest, WritableMeansRoomForPipeBuf) {
  PipeFiles p = pipe(kNonblock);
  EXPECT_EQ(events(*p.write_end), kOut);
  ASSERT_EQ(write_file(*p.write_end, std::string(65536 - 4095, 'a')).value(), 65536u - 4095);
  EXPECT_EQ(events(*p.write_end), 0u);
  EXPECT_EQ(events(*p.read_end), kIn);
}

TEST_F(PipeTest, PollTellsOfTheOtherEndGone) {
  PipeFiles a = pipe(), b = pipe();
  { Ref<File> gone = std::move(a.write_end); }
  EXPECT_EQ(events(*a.read_end), kPollHup);
  { Ref<File> gone = std::move(b.read_end); }
  EXPECT_EQ(events(*b.write_end), kOut | kPollErr);
}

TEST_F(PipeTest, PacketModeKeepsWritesApart) {
  PipeFiles p = pipe(abi::kODirect | kNonblock);
  ASSERT_TRUE(write_file(*p.write_end, "first packet").ok());
  ASSERT_TRUE(write_file(*p.write_end, "second").ok());
  EXPECT_EQ(read_file(*p.read_end, 5), text("first"));  // the rest of the packet is lost
  EXPECT_EQ(read_file(*p.read_end, 100), text("second"));
  EXPECT_EQ(read_file(*p.read_end, 100), error(Errno::EAGAIN));
}

TEST_F(PipeTest, CapacityChanges) {
  Cred plain;
  plain.effective = 0;
  PipeFiles p = pipe(kNonblock);
  Pipe& pipe = file_cast<PipeFile>(*p.write_end)->pipe();
  EXPECT_EQ(pipe.capacity(), 65536u);
  ASSERT_TRUE(write_file(*p.write_end, std::string(10000, 'x')).ok());
  EXPECT_EQ(pipe.set_capacity(4096, plain).error(), Errno::EBUSY);
  EXPECT_EQ(pipe.set_capacity(12000, plain).value(), 16384u);
  EXPECT_EQ(pipe.set_capacity((1 << 20) + 1, plain).error(), Errno::EPERM);
  EXPECT_EQ(pipe.set_capacity(1 << 20, plain).value(), 1u << 20);
  EXPECT_EQ(read_file(*p.read_end, 20000).text, std::string(10000, 'x'));
  EXPECT_EQ(pipe.set_capacity(1, plain).value(), 4096u);
  EXPECT_EQ(write_file(*p.write_end, std::string(10000, 'x')).value(), 4096u);
}

TEST_F(PipeTest, UnmappedBufferIsEfaultAndLosesNothing) {
  PipeFiles p = pipe(kNonblock);
  IoCursor bad(UserAddr{16}, 5);
  EXPECT_EQ(p.write_end->write(bad, 0).error(), Errno::EFAULT);
  ASSERT_TRUE(write_file(*p.write_end, "ab").ok());
  IoCursor bad_too(UserAddr{16}, 5);
  EXPECT_EQ(p.write_end->write(bad_too, 0).error(), Errno::EFAULT);
  IoCursor bad_read(UserAddr{16}, 5);
  EXPECT_EQ(p.read_end->read(bad_read, 0).error(), Errno::EFAULT);
  EXPECT_EQ(read_file(*p.read_end, 5), text("ab"));
}

TEST_F(PipeTest, ReaderWaitsForWriterAndWriterForReader) {
  PipeFiles p = pipe();
  std::string got;
  {
    TestThread reader(k, [&] {
      for (;;) {
        ReadOutcome r = read_file(*p.read_end, 3000);
        if (r.text.empty()) return;
        got += r.text;
      }
    });
    std::string sent;
    for (int i = 0; i < 300000; i++) sent += static_cast<char>('a' + i % 26);
    EXPECT_EQ(write_file(*p.write_end, sent).value(), sent.size());
    { Ref<File> gone = std::move(p.write_end); }
    EXPECT_TRUE(reader.ends_within(10000));
    EXPECT_EQ(got, sent);
  }
}

TEST_F(PipeTest, AtomicWritesOfManyWritersStayWhole) {
  PipeFiles p = pipe();
  constexpr int kWriters = 3, kEach = 400;
  std::string got;
  {
    std::vector<std::unique_ptr<TestThread>> writers;
    for (int w = 0; w < kWriters; w++)
      writers.push_back(std::make_unique<TestThread>(k, [&p, w] {
        for (int i = 0; i < kEach; i++) ASSERT_TRUE(write_file(*p.write_end, std::string(777, 'A' + w)).ok());
      }));
    while (got.size() < size_t{kWriters} * kEach * 777) got += read_file(*p.read_end, 10000).text;
  }
  for (size_t at = 0; at < got.size(); at += 777) ASSERT_EQ(got.substr(at, 777), std::string(777, got[at]));
}

TEST_F(PipeTest, NothingIsLeftBehind) {
  size_t before;
  {
    PipeFiles warm = pipe();
    ASSERT_TRUE(write_file(*warm.write_end, std::string(60000, 'x')).ok());
  }
  before = k.scope.active_objects();
  size_t pages = k.scope.arena().free_page_count();
  {
    PipeFiles p = pipe();
    ASSERT_TRUE(write_file(*p.write_end, std::string(60000, 'x')).ok());
    ASSERT_EQ(read_file(*p.read_end, 30000).text.size(), 30000u);
  }
  EXPECT_EQ(k.scope.active_objects(), before);
  EXPECT_EQ(k.scope.arena().free_page_count(), pages);
}

class FifoTest : public PipeTest {
 protected:
  Result<Ref<File>> open(uint32_t flags) { return open_fifo(inode, 0, flags); }
  AnonSuperblock fs{"tmpfs", 0,
                    abi::make_dev(0, 99)};  // any but pipefs, whose inodes have their pipe already
  AnonInode inode{fs, 99, abi::kTypeFifo | 0644, {0, 0}};
};

TEST_F(FifoTest, NonblockingOpens) {
  EXPECT_EQ(open(abi::kOWronly | kNonblock).error(), Errno::ENXIO);
  auto reader = open(abi::kORdonly | kNonblock);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(events(**reader), 0u);  // no writer was there yet, so none hung up
  auto writer = open(abi::kOWronly | kNonblock);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(write_file(**writer, "x").ok());
  EXPECT_EQ(events(**reader), kIn);
  { Ref<File> gone = writer.take(); }
  EXPECT_EQ(events(**reader), kIn | kPollHup);
}

TEST_F(FifoTest, BlockingOpensMeetEachOther) {
  std::optional<Ref<File>> reader;
  TestThread opener(k, [&] { reader.emplace(open(abi::kORdonly).take()); });
  EXPECT_FALSE(opener.ends_within(30));
  auto writer = open(abi::kOWronly);
  ASSERT_TRUE(writer.ok());
  EXPECT_TRUE(opener.ends_within(5000));
  ASSERT_TRUE(write_file(**writer, "met").ok());
  EXPECT_EQ(read_file(**reader, 9), text("met"));
}

TEST_F(FifoTest, ReadWriteOpenNeverWaits) {
  auto both = open(abi::kORdwr);
  ASSERT_TRUE(both.ok());
  ASSERT_TRUE(write_file(**both, "x").ok());
  EXPECT_EQ(read_file(**both, 9), text("x"));
}

TEST_F(FifoTest, DataGoesWithTheLastFile) {
  {
    auto both = open(abi::kORdwr);
    ASSERT_TRUE(write_file(**both, "x").ok());
  }
  auto again = open(abi::kORdwr | kNonblock);
  EXPECT_EQ(read_file(**again, 9), error(Errno::EAGAIN));
}

}  // namespace
}  // namespace lodge
