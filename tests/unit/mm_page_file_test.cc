// Who has which part of the page file, and what becomes of its memory.
#include <sys/stat.h>

#include "kernel/mm/page_file.h"
#include "tests/unit/mm_fixture.h"
#include "tests/unit/mm_without_threads.h"

namespace lodge {
namespace {

constexpr int kFd = static_cast<int>(host::HostFile::kPages);

class PageFileTest : public MmTest {
 protected:
  static uint64_t resident() {
    struct stat st;
    EXPECT_EQ(fstat(kFd, &st), 0);
    return static_cast<uint64_t>(st.st_blocks) * 512;
  }
  static void fill(uint64_t offset, uint64_t length) {
    std::string text(length, 'x');
    ASSERT_EQ(pwrite(kFd, text.data(), length, static_cast<off_t>(offset)), static_cast<ssize_t>(length));
  }
  static bool is_zero(uint64_t offset, uint64_t length) {
    std::string text(length, '?');
    EXPECT_EQ(pread(kFd, text.data(), length, static_cast<off_t>(offset)), static_cast<ssize_t>(length));
    return text.find_first_not_of('\0') == std::string::npos;
  }
};

TEST_F(PageFileTest, WhatIsFreedIsGivenBackAndReused) {
  PageFile file(kPageFileSize);
  uint64_t a = *file.allocate(4 * kPageSize), b = *file.allocate(kPageSize);
  EXPECT_EQ(a, 0u);
  EXPECT_EQ(b, 4 * kPageSize);
  fill(a, 5 * kPageSize);
  uint64_t before = resident();
  file.free(a, 4 * kPageSize);
  EXPECT_EQ(before - resident(), 4 * kPageSize);
  EXPECT_EQ(*file.allocate(2 * kPageSize), a);
  EXPECT_TRUE(is_zero(a, 4 * kPageSize));
}

TEST_F(PageFileTest, TheKernelsPagesAreNobodyElses) {
  PageFile file(kPageFileSize, 3 * kPageSize, kHugePageSize);
  EXPECT_EQ(*file.allocate(kPageSize), 3 * kPageSize);
  EXPECT_EQ(*file.allocate(kPageSize), 4 * kPageSize);
}

TEST_F(PageFileTest, TheHugePageStaysWhole) {
  PageFile file(kPageFileSize, 3 * kPageSize, kHugePageSize);
  uint64_t length = kHugePageSize;  // reaches 3 pages beyond the huge page
  uint64_t at = *file.allocate(length);
  fill(0, kHugePageSize + 3 * kPageSize);
  uint64_t before = resident();
  file.free(at, length);
  EXPECT_EQ(before - resident(), 3 * kPageSize);  // what lies behind it
  EXPECT_FALSE(is_zero(0, 3 * kPageSize));
  EXPECT_TRUE(is_zero(at, length));
  EXPECT_EQ(*file.allocate(kPageSize), at);
}

TEST_F(PageFileTest, AlignedPiecesLeaveTheirGapToOthers) {
  PageFile file(kPageFileSize, 3 * kPageSize, kHugePageSize);
  EXPECT_EQ(*file.allocate(kPageSize, kHugePageSize), kHugePageSize);
  EXPECT_EQ(*file.allocate(kPageSize), 3 * kPageSize);
}

}  // namespace
}  // namespace lodge
