// Attributes, extended attributes, mappings, holes, large directories and badly fragmented files.
#include <algorithm>

#include "kernel/abi/stat.h"
#include "tests/unit/ext4_image.h"

namespace lodge::ext4 {
namespace {

class Ext4InodeTest : public testing::Test {
 protected:
  std::string src() {
    std::string at = tmp_ / "src";
    mkdir(at.c_str(), 0755);
    return at;
  }
  std::string image() { return tmp_ / "img"; }
  void make(const std::string& options = "", const char* size = "32M") {
    shell("mke2fs -q -F -b 4096 -t ext4 " + options + " -d " + src() + " " + image() + " " + size);
  }
  void debugfs(const std::string& commands) {
    write_file(tmp_ / "commands", commands);
    std::string out = shell("debugfs -w -f " + (tmp_ / "commands") + " " + image());
    for (const char* bad : {"rror", "Usage", "Unknown", "annot"}) EXPECT_EQ(out.find(bad), out.npos) << out;
  }
  uint32_t ino_of(const std::string& path) {
    std::string out = shell("debugfs -R 'stat " + path + "' " + image() + " 2>/dev/null");
    return static_cast<uint32_t>(strtoul(out.c_str() + strlen("Inode: "), nullptr, 10));
  }
  static std::string xattr(Inode& inode, const std::string& name) {
    auto length = inode.get_xattr(name, {});
    if (!length.ok()) return std::string("!") + errno_name(length.error());
    std::string value(*length, 0);
    if (value.empty()) return value;
    auto r = inode.get_xattr(name, value);
    if (!r.ok()) return std::string("!") + errno_name(r.error());
    EXPECT_EQ(*r, value.size());
    if (value.size() > 1) {
      EXPECT_EQ(inode.get_xattr(name, std::span(value).first(1)).error(), Errno::ERANGE);
    }
    return value;
  }
  static std::set<std::string> xattr_names(Inode& inode) {
    std::set<std::string> names;
    auto length = inode.list_xattr({});
    EXPECT_TRUE(length.ok());
    std::string list(length.value_or(0), 0);
    if (list.empty()) return names;
    EXPECT_EQ(inode.list_xattr(list).value_or(0), list.size());
    EXPECT_EQ(inode.list_xattr(std::span(list).first(1)).error(), Errno::ERANGE);
    for (size_t at = 0; at < list.size(); at += strlen(&list[at]) + 1)
      EXPECT_TRUE(names.insert(std::string(&list[at])).second) << &list[at];
    return names;
  }
  TempDir tmp_;
};

TEST_F(Ext4InodeTest, ExtendedAttributes) {
  write_file(src() + "/body", "x");
  write_file(src() + "/block", "x");
  write_file(src() + "/large", "x");
  write_file(src() + "/none", "x");
  make("-O ea_inode");
  std::string large = pattern(4096, 1), block(3000, 'b');
  write_file(tmp_ / "large", large);
  write_file(tmp_ / "blockvalue", block);
  debugfs(
      "ea_set /body user.a first\nea_set /body security.capability 12345678\nea_set /body trusted.t tt\n"
      "ea_set /block user.a short\nea_set -f " +
      (tmp_ / "blockvalue") +
      " /block user.b\n"
      "ea_set -f " +
      (tmp_ / "large") + " /large user.large\n");
  Mounted fs(image());
  ASSERT_TRUE(fs.ok()) << fs.message();
  RefPtr<Inode> body = fs.find("body"), in_block = fs.find("block"), big = fs.find("large"),
                none = fs.find("none");
  EXPECT_EQ(xattr_names(*body), (std::set<std::string>{"user.a", "security.capability", "trusted.t"}));
  EXPECT_EQ(xattr(*body, "user.a"), "first");
  EXPECT_EQ(xattr(*body, "security.capability"), "12345678");
  EXPECT_EQ(xattr(*body, "trusted.t"), "tt");
  EXPECT_EQ(xattr(*body, "user.b"), "!ENODATA");
  EXPECT_EQ(xattr(*body, "other.b"), "!EOPNOTSUPP");
  EXPECT_EQ(xattr(*body, "user."), "!EOPNOTSUPP");
  EXPECT_EQ(xattr_names(*in_block), (std::set<std::string>{"user.a", "user.b"}));
  EXPECT_EQ(xattr(*in_block, "user.a"), "short");
  EXPECT_EQ(xattr(*in_block, "user.b"), block);
  EXPECT_TRUE(xattr(*big, "user.large") == large);
  EXPECT_TRUE(xattr_names(*none).empty());
  EXPECT_EQ(xattr(*none, "user.a"), "!ENODATA");
  EXPECT_EQ(none->set_xattr("user.a", {}, 0).error(), Errno::EROFS);
}

TEST_F(Ext4InodeTest, AclsTakeTheFormOfUserSpace) {
  write_file(src() + "/f", "x");
  make();
  // Version 2; user::rw-, user:1000:r--, group::r--, mask::r--, other::---
  const uint8_t acl[] = {2, 0,    0,    0,    1,    0,    6,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   4,
                         0, 0xe8, 3,    0,    0,    4,    0,  4, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
                         4, 0,    0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
  std::string text(reinterpret_cast<const char*>(acl), sizeof acl);
  write_file(tmp_ / "acl", text);
  debugfs("ea_set -f " + (tmp_ / "acl") + " /f system.posix_acl_access\n");
  Mounted fs(image());
  EXPECT_TRUE(xattr(*fs.find("f"), "system.posix_acl_access") == text);
  EXPECT_EQ(xattr(*fs.find("f"), "system.posix_acl_default"), "!ENODATA");
  EXPECT_EQ(xattr_names(*fs.find("f")), (std::set<std::string>{"system.posix_acl_access"}));
}

TEST_F(Ext4InodeTest, InlineDataIsNoAttribute) {
  write_file(src() + "/f", std::string(100, 'i'));
  make("-O inline_data");
  Mounted fs(image());
  EXPECT_TRUE(xattr_names(*fs.find("f")).empty());
  EXPECT_EQ(xattr(*fs.find("f"), "system.data"), "!ENODATA");
  EXPECT_EQ(read_all(*fs.find("f")), std::string(100, 'i'));
}

TEST_F(Ext4InodeTest, TimesFlagsAndDevices) {
  for (const char* name : {"t1970", "t1901", "t2038", "t2446", "flags"}) write_file(src() + "/" + name, "x");
  make();
  debugfs(
      "sif /t1970 mtime @0\nsif /t1970 mtime_extra 4\nsif /t1901 mtime @0x80000000\nsif /t1901 mtime_extra "
      "0\n"
      "sif /t2038 mtime @0x80000000\nsif /t2038 mtime_extra 0x1\nsif /t2446 mtime @0x7fffffff\n"
      "sif /t2446 mtime_extra 0xee6b27ff\nsif /t1970 crtime @77\nsif /t1970 crtime_extra 400\n"
      "sif /flags flags 0x80030\nmknod old c 5 1\nmknod new b 300 60000\nmknod fifo p\n");
  Mounted fs(image());
  auto attr = [&](const char* name) {
    InodeAttr a;
    EXPECT_TRUE(fs.find(name)->get_attr(a).ok());
    return a;
  };
  EXPECT_EQ(attr("t1970").mtime.sec, 0);
  EXPECT_EQ(attr("t1970").mtime.nsec, 1);
  EXPECT_EQ(attr("t1970").btime.sec, 77);
  EXPECT_EQ(attr("t1970").btime.nsec, 100);
  EXPECT_EQ(attr("t1901").mtime.sec, -0x80000000ll);
  EXPECT_EQ(attr("t2038").mtime.sec, 0x80000000ll);
  EXPECT_EQ(attr("t2446").mtime.sec, 0x37fffffffll);
  EXPECT_EQ(attr("t2446").mtime.nsec, 999999999);
  EXPECT_EQ(attr("flags").attributes, 0x30u);  // STATX_ATTR_IMMUTABLE, _APPEND
  EXPECT_EQ(attr("t1970").attributes, 0u);
  EXPECT_EQ(attr("old").mode & abi::kTypeMask, abi::kTypeChar);
  EXPECT_EQ(attr("old").rdev, abi::make_dev(5, 1));
  EXPECT_EQ(attr("new").mode & abi::kTypeMask, abi::kTypeBlock);
  EXPECT_EQ(attr("new").rdev, abi::make_dev(300, 60000));
  EXPECT_EQ(attr("fifo").mode & abi::kTypeMask, abi::kTypeFifo);
}

// What a mapping of the whole file shows, extent by extent.
std::string mapped(Inode& file, uint64_t at_most = 1 << 30) {
  std::string out;
  for (;;) {
    auto e = file.map_extent(out.size(), at_most, MapIntent::kPrivate);
    if (!e.ok()) {
      EXPECT_EQ(e.error(), Errno::ENXIO);
      return out;
    }
    EXPECT_EQ(e->length % kPageSize, 0u);
    EXPECT_GT(e->length, 0u);
    EXPECT_LE(e->length, at_most);
    std::string bytes(e->length, 0);
    if (!e->zero) {
      auto r = host::pread(e->file, bytes.data(), bytes.size(), e->host_offset);
      EXPECT_TRUE(r.ok());
    }
    out += bytes;
  }
}

std::string padded(std::string s) {
  s.resize((s.size() + 4095) / 4096 * 4096);
  return s;
}

TEST_F(Ext4InodeTest, Mappings) {
  write_file(src() + "/even", pattern(8192, 1));
  write_file(src() + "/tail", pattern(9000, 2));
  write_file(src() + "/dirty", pattern(9000, 3));
  write_file(src() + "/one", pattern(5, 4));
  write_file(src() + "/empty", "");
  int fd = open((src() + "/holes").c_str(), O_CREAT | O_RDWR, 0600);
  ASSERT_EQ(pwrite(fd, "a", 1, 4096 * 3), 1);
  ASSERT_EQ(pwrite(fd, "b", 1, 4096 * 9), 1);
  ASSERT_EQ(ftruncate(fd, 4096 * 20 + 5), 0);
  close(fd);
  make();
  unsigned long last =
      strtoul(shell("debugfs -R 'bmap /dirty 2' " + image() + " 2>/dev/null").c_str(), nullptr, 10);
  fd = open(image().c_str(), O_RDWR);
  ASSERT_EQ(pwrite(fd, "garbage", 7, static_cast<off_t>(last * 4096 + 4000)), 7);
  close(fd);

  Mounted fs(image());
  for (const char* name : {"even", "tail", "dirty", "one", "empty", "holes"}) {
    SCOPED_TRACE(name);
    std::string want = padded(host_content(src() + "/" + name));
    EXPECT_TRUE(mapped(*fs.find(name)) == want);
    EXPECT_TRUE(mapped(*fs.find(name), 4096) == want);
    EXPECT_TRUE(mapped(*fs.find(name), 8192) == want);
  }
  // Only what must be is a copy.
  EXPECT_EQ(fs.find("dirty")->map_extent(0, 4096, MapIntent::kPrivate)->file, host::HostFile(fs.fd()));
  EXPECT_EQ(fs.find("dirty")->map_extent(8192, 4096, MapIntent::kPrivate)->file, host::HostFile::kPages);
  EXPECT_EQ(fs.find("tail")->map_extent(0, 1 << 20, MapIntent::kPrivate)->length, 12288u);
  EXPECT_EQ(fs.find("tail")->map_extent(12288, 4096, MapIntent::kPrivate).error(), Errno::ENXIO);
  EXPECT_EQ(fs.find("tail")->map_extent(0, 4096, MapIntent::kSharedWrite).error(), Errno::EROFS);
  EXPECT_FALSE(fs->root()->map_extent(0, 4096, MapIntent::kPrivate).ok());
}

TEST_F(Ext4InodeTest, InlineDataIsMappedAsACopy) {
  write_file(src() + "/small", "a few bytes");
  make("-O inline_data");
  Mounted fs(image());
  EXPECT_EQ(mapped(*fs.find("small")), padded("a few bytes"));
}

TEST_F(Ext4InodeTest, HolesAndData) {
  int fd = open((src() + "/f").c_str(), O_CREAT | O_RDWR, 0600);
  ASSERT_EQ(pwrite(fd, "a", 1, 4096 * 3), 1);
  ASSERT_EQ(pwrite(fd, "b", 1, 4096 * 9), 1);
  ASSERT_EQ(ftruncate(fd, 4096 * 20 + 5), 0);
  close(fd);
  make();
  Mounted fs(image());
  RefPtr<Inode> f = fs.find("f");
  EXPECT_EQ(f->seek_data_hole(0, true).value(), 0u);
  EXPECT_EQ(f->seek_data_hole(0, false).value(), 4096u * 3);
  EXPECT_EQ(f->seek_data_hole(4096 * 3 + 7, false).value(), 4096u * 3 + 7);
  EXPECT_EQ(f->seek_data_hole(4096 * 3 + 7, true).value(), 4096u * 4);
  EXPECT_EQ(f->seek_data_hole(4096 * 10, false).error(), Errno::ENXIO);
  EXPECT_EQ(f->seek_data_hole(4096 * 20 + 5, true).error(), Errno::ENXIO);
  EXPECT_EQ(f->seek_data_hole(4096 * 20, true).value(), 4096u * 20);
}

// Each other block is there: more extents than are kept, in a tree of two levels below its root.
TEST_F(Ext4InodeTest, FragmentedFile) {
  constexpr off_t kBlocks = 2 * (FileMap::kMaxRuns + 900);
  int fd = open((src() + "/f").c_str(), O_CREAT | O_RDWR, 0600);
  for (off_t b = 0; b < kBlocks; b += 2) {
    std::string data = std::to_string(b);
    ASSERT_EQ(pwrite(fd, data.data(), data.size(), b * 4096), static_cast<ssize_t>(data.size()));
  }
  close(fd);
  for (const char* options : {"", "-O ^metadata_csum,^64bit,^extents"}) {
    SCOPED_TRACE(options);
    make(options, "64M");
    Mounted fs(image());
    ASSERT_TRUE(fs.ok()) << fs.message();
    RefPtr<Inode> f = fs.find("f");
    EXPECT_TRUE(read_all(*f) == host_content(src() + "/f"));
    EXPECT_TRUE(mapped(*f) == padded(host_content(src() + "/f")));
  }
}

// The third level of pointer blocks begins behind 4 GiB.
TEST_F(Ext4InodeTest, FarPointerBlocks) {
  int fd = open((src() + "/f").c_str(), O_CREAT | O_RDWR, 0600);
  for (off_t block : {5l, 1036l, 1036l + 1024 * 1024, 1036l + 1024 * 1024 + 5000, 3000000l}) {
    std::string data = std::to_string(block);
    ASSERT_EQ(pwrite(fd, data.data(), data.size(), block * 4096), static_cast<ssize_t>(data.size()));
  }
  close(fd);
  for (const char* options : {"", "-O ^metadata_csum,^64bit,^extents"}) {
    make(options);
    Mounted fs(image());
    RefPtr<Inode> f = fs.find("f");
    for (uint64_t block : {5l, 1036l, 1036l + 1024 * 1024, 1036l + 1024 * 1024 + 5000, 3000000l}) {
      char buffer[16] = {};
      IoCursor to = IoCursor::kernel(buffer, 7);
      ASSERT_TRUE(f->read(to, block * 4096).ok());
      EXPECT_EQ(std::string(buffer), std::to_string(block));
      uint64_t hole = f->seek_data_hole(block * 4096, true).value();
      EXPECT_EQ(hole, std::min((block + 1) * 4096, f->size()));
    }
  }
}

// A directory as plain blocks of entries that all name one inode. Made by mke2fs, so many names would take
// minutes.
std::string directory_blocks(const std::vector<std::string>& names, uint32_t self, uint32_t target) {
  std::string out;
  size_t last = 0;
  auto put = [&](const std::string& name, uint32_t ino) {
    size_t need = (kDirEntryHead + name.size() + 3) & ~size_t{3};
    size_t room = out.empty() ? 0 : kBlockSize - out.size() % kBlockSize;
    if (room == kBlockSize) room = 0;
    if (room < need) {  // the entry before takes the rest of its block
      uint16_t grown = static_cast<uint16_t>(out.size() + room - last);
      if (room != 0) memcpy(&out[last + 4], &grown, 2);
      out.resize(out.size() + room);
    }
    last = out.size();
    DirEntryDisk e{ino, static_cast<uint16_t>(need), static_cast<uint8_t>(name.size()), 0};
    out.append(reinterpret_cast<const char*>(&e), sizeof e).append(name).resize(last + need);
  };
  put(".", self);
  put("..", kRootIno);
  for (const std::string& n : names) put(n, target);
  uint16_t grown = static_cast<uint16_t>(padded(out).size() - last);
  memcpy(&out[last + 4], &grown, 2);
  return padded(out);
}

// Two levels of index, each hash, names with high characters. e2fsck makes the index.
TEST_F(Ext4InodeTest, IndexedDirectories) {
  std::vector<std::string> names;
  for (int i = 0; i < 9000; i++)
    names.push_back(std::to_string(i * 7919) + "-" + std::string(235, static_cast<char>('a' + i % 26)) +
                    "\xc3\xa4");
  write_file(src() + "/target", "x");
  write_file(src() + "/d", "to be a directory");
  make("-O ^metadata_csum");
  uint32_t self = ino_of("/d"), target = ino_of("/target");
  write_file(src() + "/d", directory_blocks(names, self, target));
  make("-O ^metadata_csum");
  debugfs("sif /d mode 040700\nsif /d links_count 2\n");
  for (const char* hash : {"half_md4", "tea", "legacy"}) {
    SCOPED_TRACE(hash);
    shell(std::string("tune2fs -E hash_alg=") + hash + " " + image());
    shell("e2fsck -fyD " + image() + "; test $? -le 1");
    std::string dump = shell("debugfs -R 'htree_dump /d' " + image() + " 2>/dev/null | head -20");
    EXPECT_NE(dump.find("Indirect levels: 1"), dump.npos) << dump;
    Mounted fs(image());
    RefPtr<Inode> d = fs.find("d");
    EXPECT_EQ(list_dir(*d, 100).size(), names.size() + 2);
    for (const std::string& name : names) {
      auto r = d->lookup(name);
      ASSERT_TRUE(r.ok()) << name;
      ASSERT_EQ((*r)->ino(), target) << name;
    }
    for (int i = 0; i < 300; i++) EXPECT_EQ(d->lookup("absent" + std::to_string(i)).error(), Errno::ENOENT);
  }
}

TEST_F(Ext4InodeTest, WritingIsRefused) {
  write_file(src() + "/f", "x");
  make();
  Mounted fs(image());
  RefPtr<Inode> f = fs.find("f"), root = fs->root();
  char byte = 0;
  IoCursor from = IoCursor::kernel(&byte, 1);
  EXPECT_EQ(f->write(from, 0, false).error(), Errno::EROFS);
  EXPECT_EQ(f->truncate(0).error(), Errno::EROFS);
  EXPECT_EQ(f->set_attr({}).error(), Errno::EROFS);
  EXPECT_EQ(root->create("n", {}).error(), Errno::EROFS);
  EXPECT_EQ(root->unlink("f", *f).error(), Errno::EROFS);
  EXPECT_EQ(root->rename("f", *f, *root, "g", nullptr, {}).error(), Errno::EROFS);
}

}  // namespace
}  // namespace lodge::ext4
