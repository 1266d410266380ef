// A kernel with memory and no tasks, for tests of kernel/mm: an arena, the page file and one image as memory
// files, and files whose extents the test lays out. Guest memory is real memory of the test's process, below
// kGuestEnd.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "kernel/host/hosted/arena_scope.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"

namespace lodge {

inline void memory_file_at(int fd, uint64_t size) {
  int made = memfd_create("mm-test", 0);
  ASSERT_GE(made, 0);
  ASSERT_EQ(ftruncate(made, static_cast<off_t>(size)), 0);
  if (made == fd) return;
  ASSERT_EQ(dup2(made, fd), fd);
  close(made);
}

class TestSuperblock : public Superblock {
 public:
  const char* type_name() const override { return "test"; }
  Ref<Inode> root() override { std::abort(); }
  Result<void> stat_fs(abi::Statfs&) override { return {}; }
};

// A regular file whose page N is page blocks[N] of the image.
class TestInode : public Inode {
 public:
  TestInode(Superblock& sb, uint32_t mode = abi::kTypeRegular | 0644) : Inode(sb, 7, mode) {}
  Result<void> get_attr(InodeAttr&) override { return {}; }
  Owner owner() override { return {0, 0}; }
  Result<MapExtent> map_extent(uint64_t offset, uint64_t max_length, MapIntent) override {
    asked++;
    size_t page = offset / kPageSize;
    if (page >= blocks.size()) return Errno::ENXIO;
    MapExtent e;
    e.zero = blocks[page] < 0;
    e.file = host::HostFile::kImage;
    e.host_offset = e.zero ? 0 : static_cast<uint64_t>(blocks[page]) * kPageSize;
    while (e.length < max_length && page < blocks.size() &&
           (e.zero ? blocks[page] < 0
                   : blocks[page] * int64_t{kPageSize} == int64_t(e.host_offset + e.length))) {
      e.length += kPageSize;
      page++;
    }
    return e;
  }
  std::vector<int64_t> blocks;  // negative: a hole
  int asked = 0;
};

class MmTest : public testing::Test {
 protected:
  static constexpr uint64_t kPageFileSize = uint64_t{1} << 40;
  static constexpr int kImagePages = 4096;

  void SetUp() override {
    arena_.arena().set_kernel(&kernel_);
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer has no shadow for guest addresses";
#endif
    memory_file_at(static_cast<int>(host::HostFile::kPages), kPageFileSize);
    memory_file_at(static_cast<int>(host::HostFile::kImage), kImagePages * kPageSize);
    for (int i = 0; i < kImagePages; i++) {  // each page of the image begins with its number
      std::string text = "block " + std::to_string(i);
      ASSERT_TRUE(host::pwrite(host::HostFile::kImage, text.c_str(), text.size() + 1, i * kPageSize).ok());
    }
    mm_ = new_mm();
  }
  void TearDown() override {
    if (!mm_) return;
    mm_->reset(1);
    mm_.reset();
    EXPECT_EQ(system_.account.committed(), 0u);
    EXPECT_EQ(system_.account.page_file(), 0u);
    close(static_cast<int>(host::HostFile::kPages));
    close(static_cast<int>(host::HostFile::kImage));
  }

  RefPtr<Mm> new_mm(uint64_t seed = 42) {
    return Mm::create(system_, seed, {}).take();
  }
  Ref<TestInode> new_inode() {
    return make<TestInode>(*superblock_).take();
  }
  Ref<File> new_file(Ref<TestInode> inode, uint32_t flags = abi::kORdwr) {
    return make<File>(RefPtr<Inode>(inode), flags).take();
  }

  static MapRequest anonymous(uint64_t length, uint32_t prot = 3, uint32_t flags = 0) {
    return {
        .length = length, .prot = prot, .flags = abi::kMapPrivate | abi::kMapAnonymous | flags, .file = {}};
  }
  static MapRequest fixed(uint64_t at, uint64_t length, uint32_t prot = 3, uint32_t flags = 0) {
    MapRequest r = anonymous(length, prot, flags | abi::kMapFixed);
    r.hint = at;
    return r;
  }
  static MapRequest of_file(Ref<File> file, uint64_t length, uint32_t prot, uint32_t flags,
                            uint64_t offset = 0) {
    return {.length = length, .prot = prot, .flags = flags, .file = RefPtr<File>(file), .offset = offset};
  }
  // As /proc/PID/maps would show it: start-end prot, one per mapping, from `low` on.
  struct Line {
    uint64_t start, end;
    int prot;
    bool operator==(const Line&) const = default;
  };
  std::vector<Line> lines(Mm& mm) {
    std::vector<Line> out;
    Mm::VmaView v;
    for (uint64_t at = 0; mm.view(at, v); at = v.end) out.push_back({v.start, v.end, v.prot});
    return out;
  }
  std::vector<Line> lines() {
    return lines(*mm_);
  }

  static char* at(uint64_t a) {
    return reinterpret_cast<char*>(a);
  }
  static bool host_maps(uint64_t page) {
    unsigned char c;
    return mincore(at(page), kPageSize, &c) == 0;
  }

  ArenaScope arena_;
  Kernel kernel_;
  PageFile pages_{kPageFileSize};
  MmSystem system_{pages_, 512 << 20};
  Ref<TestSuperblock> superblock_ = make<TestSuperblock>().take();
  RefPtr<Mm> mm_;
};

}  // namespace lodge
