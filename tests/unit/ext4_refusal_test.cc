// Images that cannot be mounted, and the line that says why.
#include "kernel/base/crc32c.h"
#include "tests/unit/ext4_image.h"

namespace lodge::ext4 {
namespace {

constexpr size_t kSize = 8 << 20;

std::string make_image(const TempDir& tmp, const std::string& options) {
  shell("mke2fs -q -F " + options + " " + (tmp / "img") + " 8M");
  return tmp / "img";
}

void expect_refused(const std::string& image, Errno error, const std::string& words) {
  Mounted fs(image);
  EXPECT_FALSE(fs.ok());
  EXPECT_STREQ(errno_name(fs.error()), errno_name(error));
  EXPECT_NE(fs.message().find(words), std::string::npos) << fs.message();
}

struct Options {
  const char* name;
  const char* mkfs;
  Errno error;
  const char* words;
};

class Ext4Refusal : public testing::TestWithParam<Options> {};

TEST_P(Ext4Refusal, SaysWhy) {
  TempDir tmp;
  expect_refused(make_image(tmp, GetParam().mkfs), GetParam().error, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Made, Ext4Refusal,
    testing::Values(Options{"Blocks1k", "-t ext4 -b 1024", Errno::EOPNOTSUPP, "blocks of 1024 bytes"},
                    Options{"Blocks2k", "-t ext4 -b 2048", Errno::EOPNOTSUPP, "blocks of 2048 bytes"},
                    Options{"Blocks64k", "-t ext4 -b 65536", Errno::EOPNOTSUPP, "blocks of 65536 bytes"},
                    Options{"Bigalloc", "-t ext4 -b 4096 -O bigalloc", Errno::EOPNOTSUPP, "feature bigalloc"},
                    Options{"Encrypt", "-t ext4 -b 4096 -O encrypt", Errno::EOPNOTSUPP, "feature encrypt"},
                    Options{"Casefold", "-t ext4 -b 4096 -O casefold", Errno::EOPNOTSUPP, "feature casefold"},
                    Options{"Verity", "-t ext4 -b 4096 -O verity", Errno::EOPNOTSUPP, "feature verity"},
                    Options{"Mmp", "-t ext4 -b 4096 -O mmp", Errno::EOPNOTSUPP, "feature mmp"},
                    Options{"JournalDevice", "-b 4096 -O journal_dev", Errno::EOPNOTSUPP,
                            "feature journal_dev"},
                    Options{"Revision0", "-b 4096 -r 0 -t ext2 -O none", Errno::EOPNOTSUPP, "revision 0"}),
    [](const auto& i) { return i.param.name; });

// A field of the superblock changed, its checksum made right again.
class Ext4DamagedSuperblock : public testing::Test {
 protected:
  Ext4DamagedSuperblock() : image_(make_image(tmp_, "-t ext4 -b 4096")) {}
  void change(void (*edit)(SuperblockDisk&), bool fix_checksum = true) {
    int fd = open(image_.c_str(), O_RDWR);
    SuperblockDisk sb;
    ASSERT_EQ(pread(fd, &sb, sizeof sb, kSuperblockOffset), static_cast<ssize_t>(sizeof sb));
    edit(sb);
    if (fix_checksum) sb.checksum = crc32c(~0u, &sb, offsetof(SuperblockDisk, checksum));
    ASSERT_EQ(pwrite(fd, &sb, sizeof sb, kSuperblockOffset), static_cast<ssize_t>(sizeof sb));
    close(fd);
  }
  TempDir tmp_;
  std::string image_;
};

TEST_F(Ext4DamagedSuperblock, Untouched) {
  EXPECT_TRUE(Mounted(image_).ok());
}
TEST_F(Ext4DamagedSuperblock, Magic) {
  change([](SuperblockDisk& sb) { sb.magic = 0; });
  expect_refused(image_, Errno::EINVAL, "not an ext4");
}
TEST_F(Ext4DamagedSuperblock, Checksum) {
  change([](SuperblockDisk& sb) { sb.mtime ^= 1; }, false);
  expect_refused(image_, Errno::EUCLEAN, "checksum");
}
TEST_F(Ext4DamagedSuperblock, UnknownFeature) {
  change([](SuperblockDisk& sb) { sb.feature_incompat |= 1u << 29; });
  expect_refused(image_, Errno::EOPNOTSUPP, "I29");
}
TEST_F(Ext4DamagedSuperblock, UnknownReadOnlyFeatureIsNoReason) {
  change([](SuperblockDisk& sb) { sb.feature_ro_compat |= 1u << 29; });
  EXPECT_TRUE(Mounted(image_).ok());
}
TEST_F(Ext4DamagedSuperblock, ShortFile) {
  ASSERT_EQ(truncate(image_.c_str(), kSize - 1), 0);
  expect_refused(image_, Errno::EUCLEAN, "too short: 2047 of 2048 blocks");
}
TEST_F(Ext4DamagedSuperblock, EmptyFile) {
  ASSERT_EQ(truncate(image_.c_str(), 0), 0);
  expect_refused(image_, Errno::EINVAL, "too short");
}
TEST_F(Ext4DamagedSuperblock, Sizes) {
  struct {
    void (*edit)(SuperblockDisk&);
    void (*undo)(SuperblockDisk&);
    const char* words;
  } cases[] = {
      {[](SuperblockDisk& s) { s.inode_size = 200; }, [](SuperblockDisk& s) { s.inode_size = 256; },
       "inode size 200"},
      {[](SuperblockDisk& s) { s.inode_size = 64; }, [](SuperblockDisk& s) { s.inode_size = 256; },
       "inode size 64"},
      {[](SuperblockDisk& s) { s.desc_size = 48; }, [](SuperblockDisk& s) { s.desc_size = 64; },
       "descriptor size 48"},
      {[](SuperblockDisk& s) { s.blocks_per_group = 0; },
       [](SuperblockDisk& s) { s.blocks_per_group = 32768; }, "blocks per group 0"},
      {[](SuperblockDisk& s) { s.blocks_per_group = 65536; },
       [](SuperblockDisk& s) { s.blocks_per_group = 32768; }, "blocks per group 65536"},
      {[](SuperblockDisk& s) { s.inodes_count++; }, [](SuperblockDisk& s) { s.inodes_count--; },
       "inode count"},
      {[](SuperblockDisk& s) { s.log_block_size = 77; }, [](SuperblockDisk& s) { s.log_block_size = 2; },
       "block size"},
      {[](SuperblockDisk& s) { s.first_ino = 3; }, [](SuperblockDisk& s) { s.first_ino = 11; },
       "first inode 3"},
      {[](SuperblockDisk& s) { s.blocks_count_hi = 0x10000; },
       [](SuperblockDisk& s) { s.blocks_count_hi = 0; }, "block counts"},
      {[](SuperblockDisk& s) { s.first_data_block = 1; }, [](SuperblockDisk& s) { s.first_data_block = 0; },
       "first data block"},
  };
  for (auto& c : cases) {
    change(c.edit);
    expect_refused(image_, Errno::EUCLEAN, c.words);
    change(c.undo);
  }
  EXPECT_TRUE(Mounted(image_).ok());
}
TEST_F(Ext4DamagedSuperblock, GroupDescriptor) {
  int fd = open(image_.c_str(), O_RDWR);
  ASSERT_EQ(pwrite(fd, "\xff\xff", 2, kBlockSize + 12), 2);
  close(fd);
  expect_refused(image_, Errno::EUCLEAN, "group descriptor 0");
}
TEST_F(Ext4DamagedSuperblock, RootInode) {
  shell("debugfs -w -R 'clri <2>' " + image_);
  expect_refused(image_, Errno::ESTALE, "root");
}
TEST_F(Ext4DamagedSuperblock, JournalElsewhere) {
  change([](SuperblockDisk& sb) {
    sb.feature_incompat |= kIncompatRecover;
    sb.journal_inum = 0;
  });
  expect_refused(image_, Errno::EOPNOTSUPP, "not in it");
}
TEST_F(Ext4DamagedSuperblock, StatFsAgreesWithDumpe2fs) {
  Mounted fs(image_);
  abi::Statfs s;
  ASSERT_TRUE(fs->stat_fs(s).ok());
  std::string dump = shell("dumpe2fs -h " + image_ + " 2>/dev/null");
  auto number = [&](const std::string& key) {
    size_t at = dump.find("\n" + key + ":");
    EXPECT_NE(at, dump.npos) << key;
    return strtoul(dump.c_str() + at + key.size() + 2, nullptr, 10);
  };
  EXPECT_EQ(s.bsize, 4096);
  EXPECT_EQ(s.blocks, number("Block count") - number("Overhead clusters"));
  EXPECT_EQ(s.bfree, number("Free blocks"));
  EXPECT_EQ(s.bavail, number("Free blocks") - number("Reserved block count"));
  EXPECT_EQ(s.files, number("Inode count"));
  EXPECT_EQ(s.ffree, number("Free inodes"));
  EXPECT_EQ(s.namelen, 255);
}

}  // namespace
}  // namespace lodge::ext4
