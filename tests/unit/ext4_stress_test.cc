// Many readers at once on caches that are far too small for what they read, and failures of memory and disk
// at every place in turn.
#include <random>
#include <thread>

#include "kernel/host/hosted/inject.h"
#include "tests/unit/ext4_image.h"

namespace lodge::ext4 {
namespace {

constexpr int kDirs = 12, kFiles = 12;
std::string file_content(int d, int f) {
  return pattern(static_cast<size_t>(d * 3000 + f * 100), d * 100u + f);
}

class Ext4Stress : public testing::Test {
 protected:
  Ext4Stress() {
    std::string src = tmp_ / "src";
    mkdir(src.c_str(), 0755);
    for (int d = 0; d < kDirs; d++) {
      std::string dir = src + "/d" + std::to_string(d);
      mkdir(dir.c_str(), 0755);
      for (int f = 0; f < kFiles; f++) write_file(dir + "/f" + std::to_string(f), file_content(d, f));
      EXPECT_EQ(symlink(std::string(100 + d, 'l').c_str(), (dir + "/link").c_str()), 0);
    }
    // Small groups spread the inode tables over many blocks.
    shell("mke2fs -q -F -b 4096 -t ext4 -g 1024 -N 2048 -d " + src + " " + image() + " 64M");
  }
  std::string image() { return tmp_ / "img"; }
  TempDir tmp_;
};

TEST_F(Ext4Stress, ManyReadersOnTinyCaches) {
  Mounted fs(image(), {.max_buffers = 8, .max_inodes = 16});
  ASSERT_TRUE(fs.ok()) << fs.message();
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; t++) {
    threads.emplace_back([&, t] {
      ArenaScope::Join join(fs.arena());
      std::mt19937 random(t);
      for (int i = 0; i < 1500; i++) {
        int d = static_cast<int>(random() % kDirs), f = static_cast<int>(random() % kFiles);
        std::string dir = "d" + std::to_string(d);
        RefPtr<Inode> a = fs.find(dir + "/f" + std::to_string(f)),
                      b = fs.find(dir + "/f" + std::to_string(f));
        ASSERT_TRUE(a && b);
        EXPECT_EQ(a.get(), b.get()) << "two objects for one inode";
        EXPECT_TRUE(read_all(*a, 0, 5000) == file_content(d, f));
        EXPECT_EQ(fs.find(dir + "/link")->read_link().value().size(), 100u + static_cast<unsigned>(d));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  // The bounds are soft: what was in use at once may be kept.
  EXPECT_LE(fs->volume().buffers().count(), 100u);
  EXPECT_LE(fs->inodes().count(), 16u + 8u * 4u);
  EXPECT_LT(fs->inodes().count(), unsigned{kDirs * (kFiles + 2)});
}

// All that reads, from mounting on; gives the first error.
Result<void> read_everything(const std::string& image, bool& mounted) {
  Mounted fs(image);
  mounted = fs.ok();
  if (!fs.ok()) {
    EXPECT_FALSE(fs.message().empty());
    return fs.error();
  }
  Ref<Inode> root = fs->root();
  for (const char* name : {"d3", "d7"}) {
    Ref<Inode> dir = TRY(root->lookup(name));
    struct Sink : DirSink {
      bool add(std::string_view, uint64_t, uint8_t, uint64_t) override { return true; }
    } sink;
    TRY(dir->read_dir(0, sink));
    Ref<Inode> file = TRY(dir->lookup("f9"));
    char buffer[9000];
    for (uint64_t offset : {0, 9000}) {
      IoCursor to = IoCursor::kernel(buffer, sizeof buffer);
      TRY(file->read(to, offset));
    }
    TRY(file->map_extent(0, 1 << 20, MapIntent::kPrivate));
    TRY(TRY(dir->lookup("link"))->read_link());
  }
  return {};
}

TEST_F(Ext4Stress, EveryAllocationFailsOnce) {
  Errno last{};
  int failures = 0;
  for (uint64_t n = 1;; n++) {
    bool mounted;
    failing_allocation = n;
    auto r = read_everything(image(), mounted);
    failing_allocation = 0;
    if (r.ok()) break;
    last = r.error();
    ASSERT_STREQ(errno_name(last), "ENOMEM") << n;
    failures++;
    ASSERT_LT(n, 1000u);
  }
  EXPECT_GT(failures, 30);
}

// A read that fails without waiting is done again with waiting, so most single failures are not seen; the
// others are EIO and nothing else.
TEST_F(Ext4Stress, EveryHostReadFailsOnce) {
  uint64_t n = 1, seen = 0;
  for (bool reached = true; reached; n++) {
    bool mounted;
    hosted::fail_nth(hosted::Injected::kHostIo, n);
    auto r = read_everything(image(), mounted);
    reached = hosted::fail_pending(hosted::Injected::kHostIo) == 0;
    hosted::fail_nth(hosted::Injected::kHostIo, 0);
    if (!r.ok()) {
      ASSERT_STREQ(errno_name(r.error()), "EIO") << n;
      seen++;
    }
    ASSERT_LT(n, 1000u);
  }
  EXPECT_GT(n, 15u);
  EXPECT_LT(seen, n / 2);
}

// A disk that is gone for a while is EIO, and forgotten when it is back.
TEST_F(Ext4Stress, DiskComesBack) {
  std::string content = host_content(image());
  Mounted fs(image());
  ASSERT_TRUE(fs.ok());
  Ref<Inode> root = fs->root();
  RefPtr<Inode> file = fs.find("d3/f9");
  ASSERT_EQ(truncate(image().c_str(), 0), 0);
  char buffer[100];
  IoCursor to = IoCursor::kernel(buffer, sizeof buffer);
  EXPECT_EQ(file->read(to, 0).error(), Errno::EIO);
  auto r = root->lookup("d5");
  if (r.ok()) r = (*r)->lookup("f5");
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error(), Errno::EIO);
  int fd = open(image().c_str(), O_RDWR);
  ASSERT_EQ(pwrite(fd, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  close(fd);
  EXPECT_TRUE(read_all(*file) == file_content(3, 9));
  EXPECT_TRUE(read_all(*fs.find("d5/f5")) == file_content(5, 5));
}

}  // namespace
}  // namespace lodge::ext4
