// Patched text, run natively: a page of code with system call sites is mapped from a file, its sites are
// learnt, and from then on its calls go through a stub to a gate of the test's own, which tells them from the
// host's answers.
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/mm_fixture.h"

// Answers 1000 + the number, as the kernel's gate would answer a call: by a jump to rcx.
asm(R"(
  .text
  .globl test_gate
test_gate:
  lea 1000(%rax), %rax
  jmp *%rcx
)");
extern "C" void test_gate();

namespace lodge {

bool is_current_mm(const Mm&) {
  return true;
}
bool call_threads(Mm&) {
  return false;
}

// Where threads are, to be moved.
static std::vector<uint64_t> frames;
void move_frames(Mm&, const FrameMover& mover) {
  for (uint64_t& ip : frames) ip = mover.moved(ip);
}

namespace {

using namespace abi;
constexpr uint64_t P = kPageSize;
constexpr uint32_t kRx = kProtRead | kProtExec;
constexpr int kTextBlock = 100;  // of the image
constexpr int kTextPages = 3;

struct Code {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kTextPages * P, 0xcc);
  void put(size_t at, std::initializer_list<int> b) {
    for (int x : b) bytes[at++] = static_cast<uint8_t>(x);
  }
  // A function that makes system call `nr`: mov $nr, %eax; syscall; ret
  void short_site(size_t at, uint32_t nr) {
    put(at, {0xb8, int(nr & 255), int(nr >> 8 & 255), 0, 0, 0x0f, 0x05, 0xc3});
  }
  // mov %edi, %eax; syscall; ret
  void bare_site(size_t at) { put(at, {0x89, 0xf8, 0x0f, 0x05, 0xc3}); }
  // No filler within reach of a syscall that ends at `at`.
  void fill(size_t at) {
    for (size_t i = 0; i < 160 && at + i < bytes.size(); i++) bytes[at + i] = 0x50;  // push
  }
  void long_site(size_t at, uint32_t nr) {
    put(at, {0x48, 0xc7, 0xc0, int(nr & 255), int(nr >> 8 & 255), 0, 0, 0x0f, 0x05, 0xc3});
  }
};

class PatchedTextTest : public MmTest {
 protected:
  void SetUp() override {
    MmTest::SetUp();
    if (IsSkipped()) return;
    system_.gate = reinterpret_cast<uint64_t>(&test_gate);
    code_.short_site(0x100, SYS_getppid);
    code_.long_site(0x200, SYS_getppid);
    code_.short_site(P + 0x300, SYS_getpid);
    for (int i = 0; i < 40; i++) code_.short_site(P + 0x400 + i * 16, SYS_getpid);
    code_.fill(2 * P + 4);
    code_.short_site(2 * P - 3, SYS_getpid);  // over the end of a page
    code_.fill(0x508);
    code_.put(0x500, {0x41});  // mov $nr, %r8d: not this call's number
    code_.short_site(0x501, SYS_getppid);
    code_.bare_site(0x600);  // two that share a gap
    code_.bare_site(0x605);
    code_.fill(0x640);  // filler in front of a site only
    code_.put(0x6e0, {0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
                      0xcc, 0xcc});
    code_.fill(0x6f0);
    code_.bare_site(0x700);
    code_.bare_site(kCrossing);  // the end of the page comes before that of the gap
    for (size_t end_of_gap : {size_t{0x110}, size_t{0x620}, size_t{P + 0x10}}) code_.put(end_of_gap, {0x50});
    code_.fill(2 * P + 0x200);
    code_.bare_site(2 * P + 0x200);
    store();
    inode_->blocks = {kTextBlock, kTextBlock + 1, kTextBlock + 2, 1};
  }
  void TearDown() override {
    inode_ = new_inode();  // the old one goes, and its copies with it
    file_ = new_file(inode_);
    MmTest::TearDown();
  }
  void store() {
    ASSERT_TRUE(
        host::pwrite(host::HostFile::kImage, code_.bytes.data(), code_.bytes.size(), kTextBlock * P).ok());
  }
  // As ld.so does it: the whole file first, then text and data over it, and .bss behind.
  uint64_t load(Mm& mm) {
    uint64_t base = mm.map(of_file(file_, 5 * P, kProtRead, kMapPrivate)).take();
    map_text(mm, base);
    MapRequest data = of_file(file_, P, kProtRead | kProtWrite, kMapPrivate | kMapFixed, 3 * P);
    data.hint = base + 3 * P;
    EXPECT_TRUE(mm.map(data).ok());
    EXPECT_TRUE(mm.map(fixed(base + 4 * P, P)).ok());
    return base;
  }
  void map_text(Mm& mm, uint64_t base) {
    MapRequest text = of_file(file_, kTextPages * P, kRx, kMapPrivate | kMapFixed);
    text.hint = base;
    EXPECT_TRUE(mm.map(text).ok());
  }
  static long call(uint64_t function) { return reinterpret_cast<long (*)()>(function)(); }
  static constexpr size_t kCrossing = P - 7;
  static long call(uint64_t function, long argument) {
    return reinterpret_cast<long (*)(long)>(function)(argument);
  }
  static bool jumps_short(uint64_t site) { return static_cast<uint8_t>(at(site)[0]) == 0xeb; }
  static bool jumps(uint64_t site) { return static_cast<uint8_t>(at(site)[0]) == 0xe9; }
  uint64_t copies() { return system_.account.page_file(); }

  Code code_;
  Ref<TestInode> inode_ = new_inode();
  Ref<File> file_ = new_file(inode_, kORdonly);
};

TEST_F(PatchedTextTest, ALearntSiteCallsTheGate) {
  uint64_t base = load(*mm_);
  EXPECT_EQ(call(base + 0x100), getppid());
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
  EXPECT_EQ(call(base + 0x200), getppid()) << "not learnt yet";
  mm_->learn_site(base + 0x209, SYS_getppid);
  EXPECT_EQ(call(base + 0x200), 1000 + SYS_getppid);
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
  EXPECT_EQ(memcmp(at(base + 0x105), "\x0f\x05", 2), 0) << "the syscall stays";
  EXPECT_EQ(call(base + P + 0x300), getpid());
}

TEST_F(PatchedTextTest, ASyscallWithoutItsMovGoesThroughFiller) {
  uint64_t base = load(*mm_), site = base + 0x602, other = base + 0x607;
  EXPECT_EQ(call(base + 0x600, SYS_getppid), getppid());
  mm_->learn_site(site + 2, SYS_getppid);
  EXPECT_TRUE(jumps_short(site));
  EXPECT_EQ(call(base + 0x600, SYS_getppid), 1000 + SYS_getppid);
  EXPECT_EQ(call(base + 0x600, SYS_getpid), 1000 + SYS_getpid) << "the number is the caller's";
  EXPECT_EQ(call(base + 0x605, SYS_getpid), getpid()) << "not learnt yet";
  mm_->learn_site(other + 2, SYS_getpid);
  EXPECT_EQ(call(base + 0x605, SYS_getpid), 1000 + SYS_getpid);
  EXPECT_EQ(call(base + 0x600, SYS_getpid), 1000 + SYS_getpid);
  EXPECT_EQ(memcmp(at(base + 0x614), &code_.bytes[0x614], 0x100), 0);

  EXPECT_EQ(call(base + 0x700, SYS_getpid), getpid());
  mm_->learn_site(base + 0x704, SYS_getpid);
  EXPECT_TRUE(jumps(base + 0x6e1)) << "in front of the site";
  EXPECT_EQ(call(base + 0x700, SYS_getpid), 1000 + SYS_getpid);

  // A call whose number differs from the mov's, since somebody jumped to the syscall.
  mm_->learn_site(base + 0x107, SYS_getpid);
  EXPECT_TRUE(jumps_short(base + 0x105));
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
}

TEST_F(PatchedTextTest, AGateThatDeclinesFindsASyscallInTheStub) {
  uint64_t base = load(*mm_), site = base + 0x602;
  mm_->learn_site(site + 2, SYS_getppid);
  uint64_t stub = base + 5 * P + PatchedText::kFirstStub, before = stub + 13, after = stub + 15;
  long result = SYS_getppid;
  asm volatile("call *%1" : "+a"(result) : "r"(before) : "rcx", "r11", "memory");
  EXPECT_EQ(result, getppid()) << "and back by the site's return";
  EXPECT_EQ(mm_->patch_origin(stub), site);
  EXPECT_EQ(mm_->patch_origin(before), site);
  EXPECT_EQ(mm_->patch_origin(after), site + 2) << "the call was made";
  EXPECT_EQ(mm_->patch_origin(base + 0x60a), site) << "on the way";
  EXPECT_EQ(mm_->patch_origin(base + 0x60b), 0u);
  EXPECT_EQ(mm_->patch_origin(site), 0u);
}

TEST_F(PatchedTextTest, NobodyStaysInFillerThatGoes) {
  uint64_t base = load(*mm_), site = base + 0x602, stub = base + 5 * P + PatchedText::kFirstStub;
  mm_->learn_site(site + 2, SYS_getppid);
  frames = {base + 0x60a, stub + 15, stub + 7, site, base + 5 * P + PatchedText::kFirstStub + 24 * 2};
  ASSERT_TRUE(mm_->protect(base, kTextPages * P, kRx | kProtWrite).ok());
  EXPECT_EQ(frames, (std::vector<uint64_t>{site, site + 2, site, site, stub + 24 * 2}));
  EXPECT_EQ(mm_->handle_fault(base + 0x600, {.exec = true}), FaultResult::kRetry);
  EXPECT_EQ(call(base + 0x600, SYS_getppid), getppid());
  EXPECT_EQ(memcmp(at(base + 0x600), &code_.bytes[0x600], 0x100), 0);
}

TEST_F(PatchedTextTest, WhatIsNoSiteIsLeftAlone) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x508, SYS_getppid);  // a REX byte before
  EXPECT_FALSE(jumps(base + 0x501));
  mm_->learn_site(base + 2 * P + 4, SYS_getpid);  // over two pages
  EXPECT_FALSE(jumps(base + 2 * P - 3));
  mm_->learn_site(base + kCrossing + 4, SYS_getpid);
  EXPECT_FALSE(jumps_short(base + kCrossing + 2)) << "the filler is cut off by the end of the page";
  mm_->learn_site(base + 2 * P + 0x204, SYS_getpid);
  EXPECT_FALSE(jumps_short(base + 2 * P + 0x202)) << "there is no filler";
  mm_->learn_site(base + 3, SYS_getpid);
  mm_->learn_site(~0ull, SYS_getpid);
  mm_->learn_site(kGuestEnd, SYS_getpid);
  EXPECT_EQ(copies(), 0u);
  system_.gate = 0;  // --trap-only
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_FALSE(jumps(base + 0x100));
}

TEST_F(PatchedTextTest, TextThatWasWritableIsLeftAlone) {
  uint64_t base = load(*mm_);
  ASSERT_TRUE(mm_->protect(base, kTextPages * P, kRx | kProtWrite).ok());
  ASSERT_TRUE(mm_->protect(base, kTextPages * P, kRx).ok());
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_FALSE(jumps(base + 0x100));
  inode_->write_count = 1;
  uint64_t second = load(*mm_);
  mm_->learn_site(second + 0x107, SYS_getppid);
  EXPECT_FALSE(jumps(second + 0x100)) << "somebody may be writing it";
  inode_->write_count = 0;
}

TEST_F(PatchedTextTest, TheNextMappingIsReadyMade) {
  uint64_t first = load(*mm_);
  for (int i = 0; i < 3; i++) mm_->learn_site(first + P + 0x407 + i * 16, SYS_getpid);
  uint64_t second = load(*mm_);
  EXPECT_NE(first, second);
  EXPECT_EQ(call(second + P + 0x410), 1000 + SYS_getpid) << "from the copy of the page";
  EXPECT_EQ(call(second + 0x100), getppid());
  for (int i = 3; i < 40; i++) mm_->learn_site(first + P + 0x407 + i * 16, SYS_getpid);
  mm_->learn_site(first + 0x107, SYS_getppid);
  mm_->learn_site(first + 0x604, SYS_getppid);
  int asked = inode_->asked;
  uint64_t third = load(*mm_);  // makes the master
  int for_making = inode_->asked - asked;
  uint64_t fourth = load(*mm_);
  EXPECT_LT(inode_->asked - asked - for_making, for_making)
      << "the text came from the master, not from the file";
  for (uint64_t base : {first, third, fourth}) {
    EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
    EXPECT_EQ(call(base + 0x600, SYS_getpid), 1000 + SYS_getpid);
    for (int i = 0; i < 40; i++) EXPECT_EQ(call(base + P + 0x400 + i * 16), 1000 + SYS_getpid);
    EXPECT_EQ(memcmp(at(base + 2 * P + 8), &code_.bytes[2 * P + 8], P - 8), 0);
  }
}

TEST_F(PatchedTextTest, GuestsSeeWhatTheyMapped) {
  uint64_t base = load(*mm_);
  std::vector<Line> before = lines();
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_EQ(lines(), before);
  uint64_t stubs = base + 5 * P;
  EXPECT_FALSE(mm_->is_mapped(stubs, stubs + P));
  EXPECT_EQ(mm_->protect(base + 4 * P, 2 * P, kProtRead).error(), Errno::ENOMEM);
  EXPECT_LT(mm_->map(anonymous(P)).take(), base) << "nothing is placed over the stubs";
  EXPECT_EQ(mm_->counters().total, 6u);
}

TEST_F(PatchedTextTest, MappingOverTheStubsTakesThePatchesBack) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  MapRequest r = anonymous(P, 3, kMapFixedNoReplace);
  r.hint = base + 5 * P;
  ASSERT_TRUE(mm_->map(r).ok());
  EXPECT_EQ(mm_->handle_fault(base + 0x100, {.exec = true}), FaultResult::kRetry);
  EXPECT_EQ(call(base + 0x100), getppid());
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_EQ(call(base + 0x100), getppid()) << "there is no place for stubs now";
}

TEST_F(PatchedTextTest, WritableTextIsTheFilesOwn) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  ASSERT_TRUE(mm_->protect(base, kTextPages * P, kRx | kProtWrite).ok());
  EXPECT_EQ(mm_->handle_fault(base + 0x100, {.write = true}), FaultResult::kRetry);
  at(base + 0x110)[0] = 1;
  EXPECT_FALSE(jumps(base + 0x100));
  EXPECT_EQ(call(base + 0x100), getppid());
}

TEST_F(PatchedTextTest, MovedTextTrapsAgain) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  uint64_t to = mm_->remap({.old_start = base,
                            .old_length = kTextPages * P,
                            .new_length = kTextPages * P,
                            .flags = kMremapMayMove | kMremapFixed,
                            .new_start = 0x580000000000})
                    .take();
  EXPECT_EQ(mm_->handle_fault(to + 0x100, {.exec = true}), FaultResult::kRetry);
  EXPECT_EQ(call(to + 0x100), getppid());
}

TEST_F(PatchedTextTest, UnloadingGivesThePlaceBack) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_TRUE(host_maps(base + 5 * P));
  ASSERT_TRUE(mm_->unmap(base, 5 * P).ok());
  EXPECT_FALSE(host_maps(base + 5 * P));
  EXPECT_EQ(load(*mm_), base) << "the same place is free";
}

TEST_F(PatchedTextTest, NewContentsAreLearntAnew) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  code_.short_site(0x100, SYS_getpid);
  store();
  inode_->content_version++;
  uint64_t second = load(*mm_);
  EXPECT_FALSE(jumps(second + 0x100));
  EXPECT_EQ(call(second + 0x100), getpid());
  mm_->learn_site(second + 0x107, SYS_getpid);
  EXPECT_EQ(call(second + 0x100), 1000 + SYS_getpid);
}

TEST_F(PatchedTextTest, AnInterruptedStubBeginsAnewAtTheMov) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  mm_->learn_site(base + 0x209, SYS_getppid);
  uint64_t stubs = base + 5 * P + PatchedText::kFirstStub;
  EXPECT_EQ(mm_->patch_origin(stubs), base + 0x100);
  EXPECT_EQ(mm_->patch_origin(stubs + 7), base + 0x100);
  EXPECT_EQ(mm_->patch_origin(stubs + 12), base + 0x100);
  EXPECT_EQ(mm_->patch_origin(stubs + PatchedText::kStubSize + 7), base + 0x200);
  EXPECT_EQ(mm_->patch_origin(base + 5 * P), 0u);
  EXPECT_EQ(mm_->patch_origin(base + 0x100), 0u);
}

TEST_F(PatchedTextTest, AChildKeepsThePatches) {
  uint64_t base = load(*mm_);
  mm_->learn_site(base + 0x107, SYS_getppid);
  RefPtr<Mm> child = mm_->begin_fork().take();
  mm_->end_fork();
  EXPECT_EQ(child->patch_origin(base + 5 * P + PatchedText::kFirstStub), base + 0x100);
  EXPECT_EQ(lines(*child), lines());
}

TEST_F(PatchedTextTest, ProgramsFindAPlaceBehindTheirBss) {
  // As the kernel's loader maps: nothing is reserved, there are gaps.
  uint64_t base = 0x580000000000;
  map_text(*mm_, base);
  MapRequest data = of_file(file_, P, kProtRead | kProtWrite, kMapPrivate | kMapFixed, 3 * P);
  data.hint = base + 8 * P;
  ASSERT_TRUE(mm_->map(data).ok());
  ASSERT_TRUE(mm_->map(fixed(base + 9 * P, P)).ok());
  mm_->set_heap(base + 10 * P);
  EXPECT_GE(mm_->heap_start(), base + 10 * P + PatchedText::kStubArea);
  mm_->learn_site(base + 0x107, SYS_getppid);
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid);
  EXPECT_TRUE(host_maps(base + 10 * P));
  mm_->reset(9);
  map_text(*mm_, base);
  EXPECT_EQ(call(base + 0x100), 1000 + SYS_getppid) << "ready-made before the rest of the program is there";
}

}  // namespace
}  // namespace lodge
