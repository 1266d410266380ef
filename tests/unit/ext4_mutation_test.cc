// Damaged images, thousands of them, each made from a whole one by changing a few bytes of its metadata.
// Whatever they say, mounting and walking them ends soon, with an error or without, and touches no memory
// that is not its own (the sanitizers look on). The seeds are fixed; LODGE_MUTATIONS sets how many there are
// of each kind.
#include <chrono>
#include <random>

#include "tests/unit/ext4_image.h"

namespace lodge::ext4 {
namespace {

using Clock = std::chrono::steady_clock;

void make_source(const std::string& at) {
  ASSERT_EQ(mkdir(at.c_str(), 0755), 0);
  for (size_t size : {0, 10, 100, 150, 3000, 9000})
    write_file(at + "/f" + std::to_string(size), pattern(size, static_cast<unsigned>(size)));
  for (size_t size : {10, 59, 100, 300})
    ASSERT_EQ(symlink(std::string(size, 't').c_str(), (at + "/l" + std::to_string(size)).c_str()), 0);
  ASSERT_EQ(mkdir((at + "/d").c_str(), 0755), 0);
  ASSERT_EQ(mkdir((at + "/d/e").c_str(), 0755), 0);
  write_file(at + "/d/e/x", "x");
  ASSERT_EQ(mkdir((at + "/many").c_str(), 0755), 0);
  for (int i = 0; i < 60; i++) write_file(at + "/many/" + std::string(200, 'n') + std::to_string(i), "");
  int fd = open((at + "/sparse").c_str(), O_CREAT | O_RDWR, 0600);
  for (off_t block = 0; block < 40; block += 2) ASSERT_EQ(pwrite(fd, "data", 4, block * 4096), 4);
  ASSERT_EQ(pwrite(fd, "end", 3, 4200l * 4096), 3);
  close(fd);
}

struct Sink : DirSink {
  bool add(std::string_view name, uint64_t, uint8_t, uint64_t) override {
    names.emplace_back(name);
    return names.size() < 300;
  }
  std::vector<std::string> names;
};

// Uses everything that an inode offers; only what it does to the process counts.
void use_contents(Inode& inode) {
  std::vector<char> buffer(20000);
  InodeAttr attr;
  (void)inode.get_attr(attr).ok();
  for (uint64_t offset : {uint64_t{0}, attr.size / 2, attr.size - std::min<uint64_t>(attr.size, 5000)}) {
    IoCursor to = IoCursor::kernel(buffer.data(), buffer.size());
    (void)inode.read(to, offset).ok();
    (void)inode.seek_data_hole(offset, true).ok();
    (void)inode.seek_data_hole(offset, false).ok();
  }
  uint64_t offset = 0;
  for (int i = 0; i < 30; i++) {
    auto e = inode.map_extent(offset, 1 << 30, MapIntent::kPrivate);
    if (!e.ok()) break;
    EXPECT_GT(e->length, 0u);
    EXPECT_EQ(e->length % kPageSize, 0u);
    offset += e->length;
  }
  (void)inode.map_extent(attr.size & ~uint64_t{4095}, 4096, MapIntent::kSharedRead).ok();
  (void)inode.read_link().ok();
}

void use_xattrs(Inode& inode) {
  std::vector<char> names(5000), value(70000);
  auto length = inode.list_xattr(names);
  if (!length.ok()) return;
  ASSERT_LE(*length, names.size());
  for (size_t at = 0; at < *length; at += strnlen(&names[at], *length - at) + 1)
    (void)inode.get_xattr(std::string_view(&names[at], strnlen(&names[at], *length - at)), value).ok();
}

void walk(Inode& inode, int depth, int& budget) {
  if (budget-- <= 0) return;
  use_contents(inode);
  use_xattrs(inode);
  if (!inode.is_dir() || depth == 6) return;
  Sink sink;
  (void)inode.read_dir(0, sink).ok();
  (void)inode.lookup("absent").ok();
  for (const std::string& name : sink.names) {
    auto child = inode.lookup(name);
    if (child.ok() && name != "." && name != "..") walk(**child, depth + 1, budget);
  }
}

class Mutator {
 public:
  explicit Mutator(std::string image) : image_(std::move(image)) {
    for (size_t b = 0; b * kBlockSize < image_.size(); b++) {
      size_t used = 0;
      for (size_t i = 0; i < kBlockSize; i++) used += image_[b * kBlockSize + i] != 0;
      if (used != 0) blocks_.push_back(b);
    }
  }
  // Changes some bytes or words, most of them where something is.
  int mutated(uint32_t seed) {
    std::mt19937 random(seed);
    std::string s = image_;
    for (int n = 1 + static_cast<int>(random() % 6); n > 0; n--) {
      size_t start = blocks_[random() % blocks_.size()] * kBlockSize;
      size_t at = start + random() % kBlockSize;
      for (int tries = 0; tries < 200 && s[at] == 0 && random() % 8 != 0; tries++)
        at = start + random() % kBlockSize;
      switch (random() % 4) {
        case 0:
          s[at] = static_cast<char>(s[at] ^ (1 << random() % 8));
          break;
        case 1:
          s[at] = static_cast<char>(random());
          break;
        default: {
          static constexpr uint32_t kWords[] = {0,      1,       0xffffffff, 0x7fffffff, 0x80000000,
                                                0xffff, 0x10000, 4096,       4095};
          uint32_t w = kWords[random() % std::size(kWords)];
          size_t n = random() % 2 ? 4 : 2;
          memcpy(&s[at & ~(n - 1)], &w, n);
        }
      }
    }
    int fd = memfd_create("image", MFD_CLOEXEC);
    EXPECT_EQ(pwrite(fd, s.data(), s.size(), 0), static_cast<ssize_t>(s.size()));
    return fd;
  }

 private:
  std::string image_;
  std::vector<size_t> blocks_;
};

struct Kind {
  const char* name;
  const char* options;
  const char* size;
  bool dirty_journal = false;
};

class Ext4Mutation : public testing::TestWithParam<Kind> {};

TEST_P(Ext4Mutation, IsSurvived) {
  TempDir tmp;
  std::string image = tmp / "img";
  make_source(tmp / "src");
  shell(std::string("mke2fs -q -F -b 4096 -N 128 ") + GetParam().options + " -d " + (tmp / "src") + " " +
        image + " " + GetParam().size);
  write_file(tmp / "value", pattern(9000, 3));
  std::string commands = "ea_set /f10 user.small hello\nea_set /f100 security.capability 0123456789\n";
  for (int i = 0; i < 20; i++) commands += "ea_set /f3000 user.name" + std::to_string(i) + " some-value\n";
  if (strstr(GetParam().options, "ea_inode"))
    commands += "ea_set -f " + (tmp / "value") + " /f9000 user.large\n";
  if (GetParam().dirty_journal) {
    write_file(tmp / "blocks", pattern(6 * kBlockSize, 9));
    commands += "jo -c\njw -b 800,801,802 " + (tmp / "blocks") + "\njw -r 801,900\njw -b 802,900 " +
                (tmp / "blocks") + "\njc\n";
  }
  write_file(tmp / "commands", commands);
  shell("debugfs -w -f " + (tmp / "commands") + " " + image);
  if (!GetParam().dirty_journal) shell("e2fsck -fyD " + image + "; test $? -le 1");

  Mutator mutator(host_content(image));
  const char* count = getenv("LODGE_MUTATIONS");
  unsigned mutations = count ? static_cast<unsigned>(atoi(count)) : 400, mounted = 0;
  for (unsigned seed = 0; seed < mutations && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    auto start = Clock::now();
    Mounted fs(mutator.mutated(seed), {.max_buffers = 64, .max_inodes = 64}, 12 << 20);
    if (fs.ok()) {
      mounted++;
      int budget = 400;
      walk(*fs->root(), 0, budget);
    }
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
  }
  EXPECT_GT(mounted, mutations / 20) << "hardly any could be mounted: too much damage to test anything";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Ext4Mutation,
    testing::Values(Kind{"Extents", "-t ext4 -O ^metadata_csum,^has_journal,ea_inode", "2M"},
                    Kind{"Pointers", "-t ext4 -O ^metadata_csum,^has_journal,^extents,^64bit,^uninit_bg",
                         "2M"},
                    Kind{"InlineData", "-t ext4 -O ^metadata_csum,^has_journal,inline_data -I 512", "2M"},
                    Kind{"SmallInodes", "-t ext2 -I 128", "2M"},
                    Kind{"Checksums", "-t ext4 -O metadata_csum,^has_journal,inline_data", "2M"},
                    Kind{"Journal", "-t ext4 -O ^metadata_csum -J size=4", "16M", true},
                    Kind{"JournalChecksums", "-t ext4 -O metadata_csum -J size=4", "16M", true}),
    [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace lodge::ext4
