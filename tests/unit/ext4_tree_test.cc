// A directory, made into images with many combinations of features, must read back the same from each.
#include "tests/unit/ext4_image.h"

namespace lodge::ext4 {
namespace {

// Files around every size at which ext4 changes its way of storing them, links of both kinds, sparse files,
// all types.
void make_source(const std::string& at) {
  ASSERT_EQ(mkdir(at.c_str(), 0755), 0);
  for (size_t size :
       {0, 1, 59, 60, 61, 100, 150, 160, 4095, 4096, 4097, 12 * 4096, 12 * 4096 + 1, 60000, 5 << 20})
    write_file(at + "/file" + std::to_string(size), pattern(size, static_cast<unsigned>(size)));
  for (size_t size : {1, 30, 58, 59, 60, 61, 100, 150, 200, 1000, 4000}) {
    std::string target;
    while (target.size() < size) target += "abcdefghij/";
    target.resize(size);
    ASSERT_EQ(symlink(target.c_str(), (at + "/link" + std::to_string(size)).c_str()), 0);
  }
  // 12 direct pointers, then one level of 1024, then two of them: holes and data in each.
  int fd = open((at + "/sparse").c_str(), O_CREAT | O_RDWR, 0600);
  for (off_t block : {0, 3, 11, 12, 500, 1035, 1036, 2000, 9000}) {
    std::string data = pattern(4096, static_cast<unsigned>(block));
    ASSERT_EQ(pwrite(fd, data.data(), data.size(), block * 4096), 4096);
  }
  ASSERT_EQ(pwrite(fd, "the end", 7, 40 << 20), 7);
  close(fd);
  ASSERT_EQ(truncate((at + "/file0").c_str(), 0), 0);
  ASSERT_EQ(link((at + "/file1").c_str(), (at + "/hard").c_str()), 0);
  ASSERT_EQ(mkfifo((at + "/fifo").c_str(), 0640), 0);
  std::string dir = at;
  for (int depth = 0; depth < 12; depth++) {
    dir += "/d" + std::to_string(depth);
    ASSERT_EQ(mkdir(dir.c_str(), 0750), 0);
    write_file(dir + "/leaf", dir);
  }
  ASSERT_EQ(mkdir((at + "/small").c_str(), 01777), 0);
  for (const char* name : {"a", "bb", "ccc"}) write_file(at + "/small/" + name, name);
  ASSERT_EQ(mkdir((at + "/medium").c_str(), 0755), 0);  // more than the 60 bytes, less than an inode has
  for (int i = 0; i < 8; i++) write_file(at + "/medium/entry" + std::to_string(i), "x");
  ASSERT_EQ(mkdir((at + "/names").c_str(), 0755), 0);
  for (int i = 1; i <= 255; i++) write_file(at + "/names/" + std::string(static_cast<size_t>(i), 'n'), "n");
  write_file(at + "/names/\xc3\xa4\xff\x80 high characters", "u");
}

struct Kind {
  const char* name;
  const char* options;
  bool has_types = true;
};

class Ext4Tree : public testing::TestWithParam<Kind> {
 protected:
  static void SetUpTestSuite() {
    source_ = new TempDir;
    make_source(*source_ / "src");
  }
  static void TearDownTestSuite() { delete source_; }
  static inline TempDir* source_;
};

TEST_P(Ext4Tree, ReadsBackTheSame) {
  TempDir tmp;
  std::string image = tmp / "img";
  shell(std::string("mke2fs -q -F -b 4096 ") + GetParam().options + " -d " + (*source_ / "src") + " " +
        image + " 64M");
  Mounted fs(image);
  ASSERT_TRUE(fs.ok()) << fs.message();
  expect_same_tree(*fs->root(), *source_ / "src", {.has_types = GetParam().has_types});
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Ext4Tree,
    testing::Values(
        Kind{"Default", "-t ext4"}, Kind{"NoChecksums", "-t ext4 -O ^metadata_csum"},
        Kind{"Crc16Groups", "-t ext4 -O ^metadata_csum,uninit_bg"}, Kind{"No64Bit", "-t ext4 -O ^64bit"},
        Kind{"InlineData", "-t ext4 -O inline_data"},
        Kind{"InlineData1024", "-t ext4 -O inline_data -I 1024"},
        Kind{"PointerBlocks", "-t ext4 -O ^extents,^64bit"}, Kind{"Ext2", "-t ext2"}, Kind{"Ext3", "-t ext3"},
        Kind{"SmallInodes", "-t ext4 -I 128"}, Kind{"NoFiletype", "-t ext4 -O ^filetype", false},
        Kind{"MetaBg", "-t ext4 -O meta_bg,^resize_inode"},
        Kind{"ManyGroups", "-t ext4 -g 1024 -O meta_bg,^resize_inode"},
        Kind{"SmallGroups", "-t ext4 -g 256 -O ^flex_bg,sparse_super"},
        Kind{"CsumSeed", "-t ext4 -O metadata_csum_seed"}, Kind{"NoJournal", "-t ext4 -O ^has_journal"},
        Kind{"Largedir", "-t ext4 -O large_dir,ea_inode"}, Kind{"SparseSuper2", "-t ext4 -O sparse_super2"}),
    [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace lodge::ext4
