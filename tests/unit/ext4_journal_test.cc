// Dirty journals, written by debugfs: what is read through the replay in memory must be, block for block,
// what an image has on which debugfs or e2fsck replayed the same journal for good.
#include <random>

#include "tests/unit/ext4_image.h"
#include "vfs/ext4/journal_layout.h"

namespace lodge::ext4 {
namespace {

constexpr unsigned kImageBlocks = 4096;
constexpr uint32_t kMagicOnDisk = 0x98393bc0;  // a block that begins so must be escaped in the log

class Image {
 public:
  explicit Image(const std::string& options) {
    std::string src = tmp_ / "src";
    mkdir(src.c_str(), 0755);
    write_file(src + "/file", pattern(64 * 4096, 1));
    shell("mke2fs -q -F -b 4096 -t ext4 -J size=4 " + options + " -d " + src + " " + path() + " " +
          std::to_string(kImageBlocks * 4) + "k");
  }
  std::string path() { return tmp_ / "img"; }
  std::string replayed_path() { return tmp_ / "replayed"; }

  // The file's blocks in the image.
  std::vector<unsigned> file_blocks() {
    std::vector<unsigned> blocks;
    std::string out = shell("debugfs -R 'blocks /file' " + path() + " 2>/dev/null");
    for (char *p = out.data(), *end; *p; p = end) {
      unsigned b = static_cast<unsigned>(strtoul(p, &end, 10));
      if (end == p) break;
      blocks.push_back(b);
    }
    EXPECT_EQ(blocks.size(), 64u);
    return blocks;
  }
  void debugfs(const std::string& commands) {
    write_file(tmp_ / "commands", commands);
    std::string out = shell("debugfs -w -f " + (tmp_ / "commands") + " " + path());
    for (const char* bad : {"rror", "Usage", "Unknown", "annot"}) EXPECT_EQ(out.find(bad), out.npos) << out;
  }
  void replay_for_good() {
    shell("cp " + path() + " " + replayed_path() + " && { e2fsck -fy " + replayed_path() +
          " >/dev/null; test $? -le 1; }");
  }
  std::string data(const std::string& name, const std::string& content) {
    write_file(tmp_ / name, content);
    return tmp_ / name;
  }

 private:
  TempDir tmp_;
};

std::string block_of(const Device& device, BlockNo b) {
  std::string s(kBlockSize, 0);
  EXPECT_TRUE(device.read_block(b, s.data()).ok());
  return s;
}

struct Kind {
  const char* name;
  const char* mkfs;
  const char* open;  // debugfs journal_open
};

class Ext4Journal : public testing::TestWithParam<Kind> {};

TEST_P(Ext4Journal, RandomTransactions) {
  for (unsigned seed = 1; seed <= 4; seed++) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Image image(GetParam().mkfs);
    std::vector<unsigned> blocks = image.file_blocks();
    std::string commands = std::string("jo ") + GetParam().open + "\n";
    for (int t = 0; t < 12; t++) {
      std::string list;
      unsigned count = 0;
      std::set<unsigned> chosen;
      for (unsigned n = 1 + random() % 8; count < n;) {
        unsigned b = blocks[random() % blocks.size()];
        if (!chosen.insert(b).second) continue;
        if (count++ != 0) list += ',';
        list += std::to_string(b);
      }
      if (random() % 3 == 0) {
        commands += "jw -r " + list + "\n";
        continue;
      }
      std::string content = pattern(count * kBlockSize, seed * 100 + static_cast<unsigned>(t));
      for (unsigned i = 0; i < count; i++)
        if (random() % 3 == 0) memcpy(&content[i * kBlockSize], &kMagicOnDisk, sizeof kMagicOnDisk);
      commands += "jw -b " + list + " " + image.data("data" + std::to_string(t), content) + "\n";
    }
    image.debugfs(commands + "jc\n");
    image.replay_for_good();

    std::string before = host_content(image.path());
    auto contents = [&](const std::string& path) {
      std::vector<std::string> all;
      Mounted fs(path);
      EXPECT_TRUE(fs.ok()) << fs.message();
      if (!fs.ok()) return all;
      EXPECT_EQ(fs.device().moved_count() != 0, path == image.path());
      for (unsigned b : blocks) all.push_back(block_of(fs.device(), b));
      all.push_back(read_all(*fs.find("file")));
      EXPECT_TRUE(read_all(*fs.find("file"), 0, 777) == all.back());
      return all;
    };
    std::vector<std::string> dirty = contents(image.path()), clean = contents(image.replayed_path());
    ASSERT_EQ(dirty.size(), clean.size());
    for (size_t i = 0; i < dirty.size(); i++) EXPECT_TRUE(dirty[i] == clean[i]) << "block " << i;
    EXPECT_TRUE(host_content(image.path()) == before) << "the image was written to";
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Ext4Journal,
                         testing::Values(Kind{"NoChecksum", "-O ^metadata_csum,^64bit", ""},
                                         Kind{"NoChecksum64", "-O ^metadata_csum,64bit", ""},
                                         Kind{"CsumV2", "-O metadata_csum,^64bit", "-c -v 2"},
                                         Kind{"CsumV2_64", "-O metadata_csum,64bit", "-c -v 2"},
                                         Kind{"CsumV3", "-O metadata_csum,64bit", "-c -v 3"},
                                         Kind{"CsumV3_32", "-O metadata_csum,^64bit", "-c -v 3"}),
                         [](const auto& i) { return i.param.name; });

// Where the extents of a mapping lie is what the replay says.
TEST(Ext4JournalMap, MapsFromTheLog) {
  Image image("");
  std::vector<unsigned> blocks = image.file_blocks();
  std::string content = pattern(2 * kBlockSize, 5);
  memcpy(&content[kBlockSize], &kMagicOnDisk, sizeof kMagicOnDisk);
  image.debugfs("jo -c\njw -b " + std::to_string(blocks[10]) + "," + std::to_string(blocks[12]) + " " +
                image.data("data", content) + "\njc\n");
  Mounted fs(image.path());
  ASSERT_TRUE(fs.ok()) << fs.message();
  RefPtr<Inode> file = fs.find("file");
  std::string expected = pattern(64 * 4096, 1);
  expected.replace(10 * kBlockSize, kBlockSize, content, 0, kBlockSize);
  expected.replace(12 * kBlockSize, kBlockSize, content, kBlockSize, kBlockSize);
  std::string mapped;
  int extents = 0;
  while (mapped.size() < expected.size()) {
    auto e = file->map_extent(mapped.size(), 1 << 20, MapIntent::kPrivate);
    ASSERT_TRUE(e.ok());
    std::string bytes(e->length, 0);
    ASSERT_EQ(host::pread(e->file, bytes.data(), bytes.size(), e->host_offset).value(), bytes.size());
    mapped += bytes;
    extents++;
  }
  EXPECT_EQ(extents, 5);
  EXPECT_TRUE(mapped == expected);
}

// Fast commits are refused if they continue the log, and ignored if they are of another time.
TEST(Ext4JournalFastCommit, IsRefusedIfThereIsOne) {
  Image image("-O ^metadata_csum");
  std::string data = image.data("data", pattern(kBlockSize, 5));
  image.debugfs("jo\njw -b " + std::to_string(image.file_blocks()[10]) + " " + data + "\njc\n");
  unsigned long log =
      strtoul(shell("debugfs -R 'bmap <8> 0' " + image.path() + " 2>/dev/null").c_str(), nullptr, 10);
  int fd = open(image.path().c_str(), O_RDWR);
  JournalSuperblockDisk sb;
  ASSERT_EQ(pread(fd, &sb, sizeof sb, static_cast<off_t>(log * kBlockSize)), static_cast<ssize_t>(sizeof sb));
  sb.feature_incompat =
      Be32{__builtin_bswap32(sb.feature_incompat | kJournalFastCommit)};  // as Linux does at mount
  sb.fast_commit_blocks = Be32{__builtin_bswap32(100)};
  ASSERT_EQ(pwrite(fd, &sb, sizeof sb, static_cast<off_t>(log * kBlockSize)),
            static_cast<ssize_t>(sizeof sb));
  unsigned long first = sb.max_length - sb.fast_commit_blocks + 1;
  unsigned long at = strtoul(
      shell("debugfs -R 'bmap <8> " + std::to_string(first) + "' " + image.path() + " 2>/dev/null").c_str(),
      nullptr, 10);
  for (auto [tid, error] :
       {std::pair{1u, Errno{}}, std::pair{2u, Errno::EOPNOTSUPP}, std::pair{3u, Errno{}}}) {
    FastCommitHead head{
        .tag = kFastCommitTagHead, .length = 8, .features = 0, .tid = tid};  // 2 follows the log
    ASSERT_EQ(pwrite(fd, &head, sizeof head, static_cast<off_t>(at * kBlockSize)),
              static_cast<ssize_t>(sizeof head));
    Mounted fs(image.path());
    EXPECT_EQ(fs.error(), error) << tid << " " << fs.message();
  }
  close(fd);
}

// One wrong bit in each part of a log, and what it must lead to.
class Ext4JournalDamage : public testing::Test {
 protected:
  Ext4JournalDamage() : image_("") {
    std::vector<unsigned> blocks = image_.file_blocks();
    block_ = blocks[3];
    std::string list = std::to_string(block_);
    image_.debugfs("jo -c -v 3\njw -b " + list + " " + image_.data("a", pattern(kBlockSize, 7)) + "\njw -b " +
                   list + " " + image_.data("b", pattern(kBlockSize, 8)) + "\njc\n");
    std::string out = shell("debugfs -R 'bmap <8> 1' " + image_.path() + " 2>/dev/null");
    log_ =
        strtoul(out.c_str(), nullptr, 10);  // log blocks: descriptor, data, commit, descriptor, data, commit
  }
  void flip(uint64_t log_block, size_t at) {
    int fd = open(image_.path().c_str(), O_RDWR);
    off_t offset = static_cast<off_t>((log_ + log_block) * kBlockSize + at);
    char c;
    ASSERT_EQ(pread(fd, &c, 1, offset), 1);
    c ^= 1;
    ASSERT_EQ(pwrite(fd, &c, 1, offset), 1);
    close(fd);
  }
  Image image_;
  unsigned block_ = 0;
  uint64_t log_ = 0;
};

TEST_F(Ext4JournalDamage, Whole) {
  Mounted fs(image_.path());
  ASSERT_TRUE(fs.ok()) << fs.message();
  EXPECT_EQ(block_of(fs.device(), block_), pattern(kBlockSize, 8));
}
TEST_F(Ext4JournalDamage, LastCommitGone) {  // its transaction never happened
  flip(5, 0);
  Mounted fs(image_.path());
  ASSERT_TRUE(fs.ok()) << fs.message();
  EXPECT_EQ(block_of(fs.device(), block_), pattern(kBlockSize, 7));
}
TEST_F(Ext4JournalDamage, EarlierRoundOfTheRing) {  // another number: the log ends before it
  flip(3, 11);
  Mounted fs(image_.path());
  ASSERT_TRUE(fs.ok()) << fs.message();
  EXPECT_EQ(block_of(fs.device(), block_), pattern(kBlockSize, 7));
}
TEST_F(Ext4JournalDamage, CommitChecksum) {
  flip(5, 100);
  Mounted fs(image_.path());
  EXPECT_EQ(fs.error(), Errno::EUCLEAN);
  EXPECT_NE(fs.message().find("is damaged"), std::string::npos) << fs.message();
}
TEST_F(Ext4JournalDamage, DescriptorChecksum) {
  flip(0, 2000);
  Mounted fs(image_.path());
  EXPECT_EQ(fs.error(), Errno::EUCLEAN);
}
TEST_F(Ext4JournalDamage, DataChecksum) {
  flip(4, 2000);
  Mounted fs(image_.path());
  EXPECT_EQ(fs.error(), Errno::EUCLEAN);
}
TEST_F(Ext4JournalDamage, OverwrittenDataDoesNotMatter) {
  flip(1, 2000);
  Mounted fs(image_.path());
  EXPECT_TRUE(fs.ok()) << fs.message();
}

}  // namespace
}  // namespace lodge::ext4
