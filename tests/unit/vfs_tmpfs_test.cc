// tmpfs: names against a directory of the host's own Linux, contents against a string, limits, holes and
// seals.
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <random>

#include "vfs/tmpfs/memfd.h"
#include "vfs_support.h"

namespace lodge {
namespace {

class VfsTmpfs : public VfsTest {};

TEST_F(VfsTmpfs, SizeBlocksAndTimes) {
  ASSERT_EQ(put_file("/f", std::string(5000, 'x')), Errno{});
  InodeAttr a = attr("/f");
  EXPECT_EQ(a.size, 5000u);
  EXPECT_EQ(a.blocks, 16u);
  EXPECT_EQ(a.mode, abi::kTypeRegular | 0644u);
  ASSERT_TRUE(
      change_times(*lookup("/f"), {TimeChange::Kind::kSet, {1, 2}}, {TimeChange::Kind::kSet, {3, 4}}, *cred)
          .ok());
  a = attr("/f");
  EXPECT_EQ(a.atime.sec, 1);
  EXPECT_EQ(a.mtime.nsec, 4);
  Ref<File> f = open("/f", abi::kORdwr).take();
  EXPECT_EQ(*write_at(*f, "y", 0), 1u);
  EXPECT_GT(attr("/f").mtime.sec, 1000);
  file_accessed(*f);
  EXPECT_GT(attr("/f").atime.sec, 1000);
}

TEST_F(VfsTmpfs, HolesAndFallocate) {
  Ref<File> f = open("/f", abi::kOCreat | abi::kORdwr).take();
  Inode& i = *f->inode();
  EXPECT_EQ(*write_at(*f, "a", 0), 1u);
  EXPECT_EQ(*write_at(*f, "z", 10 * kPageSize), 1u);
  EXPECT_EQ(i.size(), 10 * kPageSize + 1);
  EXPECT_EQ(attr("/f").blocks, 16u);
  EXPECT_EQ(read_at(*f, 4, 5 * kPageSize), std::string(4, '\0'));
  EXPECT_EQ(*i.seek_data_hole(0, true), kPageSize);
  EXPECT_EQ(*i.seek_data_hole(kPageSize, false), 10 * kPageSize);
  EXPECT_EQ(*i.seek_data_hole(10 * kPageSize, true), 10 * kPageSize + 1);
  EXPECT_EQ(errno_of(i.seek_data_hole(11 * kPageSize, false)), Errno::ENXIO);
  EXPECT_EQ(errno_of(i.allocate(0, 0, 12 * kPageSize)), Errno{});
  EXPECT_EQ(i.size(), 12 * kPageSize);
  EXPECT_EQ(attr("/f").blocks, 12 * 8u);
  EXPECT_EQ(errno_of(i.allocate(3, 100, 2 * kPageSize)), Errno{});  // punch a hole
  EXPECT_EQ(read_at(*f, 1, 0), "a");
  EXPECT_EQ(attr("/f").blocks, 11 * 8u);
  EXPECT_EQ(errno_of(i.allocate(8, 0, kPageSize)), Errno::EOPNOTSUPP);
  EXPECT_EQ(errno_of(i.truncate(1)), Errno{});
  EXPECT_EQ(attr("/f").blocks, 8u);
  EXPECT_EQ(errno_of(i.truncate(100)), Errno{});
  EXPECT_EQ(read_at(*f, 10, 0), std::string("a") + std::string(9, '\0'));
}

TEST_F(VfsTmpfs, FarOffsetsAreSparse) {
  Ref<File> f = open("/f", abi::kOCreat | abi::kORdwr).take();
  const uint64_t far = uint64_t{1} << 50;
  EXPECT_EQ(*write_at(*f, "far", far), 3u);
  EXPECT_EQ(read_at(*f, 3, far), "far");
  EXPECT_EQ(attr("/f").blocks, 8u);
  EXPECT_EQ(*f->inode()->seek_data_hole(0, false), far);
  EXPECT_EQ(errno_of(write_at(*f, "x", ~0ull >> 1)), Errno::EFBIG);
}

TEST_F(VfsTmpfs, LimitsAreKept) {
  ASSERT_EQ(mkdir("/small"), Errno{});
  MountRequest request{.source = "t", .options = "size=64k,nr_inodes=3"};
  ASSERT_TRUE(vfs->mounts().attach(vfs->mount_fs("tmpfs", request).take(), lookup("/small").take()).ok());
  EXPECT_EQ(put_file("/small/a", std::string(60000, 'x')), Errno{});
  Ref<File> f = open("/small/a", abi::kOWronly | abi::kOAppend).take();
  EXPECT_EQ(*write_at(*f, std::string(10000, 'y'), 0), 65536u - 60000u);
  EXPECT_EQ(errno_of(write_at(*f, "z", 0)), Errno::ENOSPC);
  EXPECT_EQ(create("/small/b"), Errno{});
  EXPECT_EQ(create("/small/c"), Errno::ENOSPC);
  abi::Statfs s{};
  ASSERT_TRUE(lookup("/small")->mount()->sb().stat_fs(s).ok());
  EXPECT_EQ(s.blocks, 16u);
  EXPECT_EQ(s.bfree, 0u);
  EXPECT_EQ(s.ffree, 0u);
  ASSERT_TRUE(f->inode()->truncate(0).ok());
  EXPECT_EQ(unlink("/small/b"), Errno{});
  EXPECT_EQ(create("/small/c"), Errno{});
  EXPECT_EQ(errno_of(vfs->mount_fs("tmpfs", {.options = "size=x"})), Errno::EINVAL);
  EXPECT_EQ(errno_of(vfs->mount_fs("tmpfs", {.options = "color=red"})), Errno::EINVAL);
  EXPECT_EQ(errno_of(vfs->mount_fs("nofs", {})), Errno::ENODEV);
}

TEST_F(VfsTmpfs, MemoryIsGivenBack) {
  uint64_t before = mm->account.page_file();
  for (int i = 0; i < 20; i++) {
    std::string name = "/f";
    name += std::to_string(i);
    ASSERT_EQ(put_file(name, std::string(100000, 'x')), Errno{});
  }
  EXPECT_EQ(mm->account.page_file(), before + 20 * 25);
  for (int i = 0; i < 20; i++) ASSERT_EQ(unlink("/f" + std::to_string(i)), Errno{});
  vfs->dentries().prune_all();
  EXPECT_EQ(mm->account.page_file(), before);
}

TEST_F(VfsTmpfs, ExtendedAttributes) {
  ASSERT_EQ(create("/f"), Errno{});
  Inode& i = *lookup("/f")->dentry()->inode();
  char out[64];
  EXPECT_EQ(errno_of(i.get_xattr("user.a", out)), Errno::ENODATA);
  EXPECT_EQ(errno_of(i.set_xattr("user.a", std::string_view("one"), 2)), Errno::ENODATA);
  EXPECT_EQ(errno_of(i.set_xattr("user.a", std::string_view("one"), 1)), Errno{});
  EXPECT_EQ(errno_of(i.set_xattr("user.a", std::string_view("one"), 1)), Errno::EEXIST);
  EXPECT_EQ(errno_of(i.set_xattr("user.b", std::string_view(""), 0)), Errno{});
  EXPECT_EQ(*i.get_xattr("user.a", {}), 3u);
  EXPECT_EQ(errno_of(i.get_xattr("user.a", std::span(out, 2))), Errno::ERANGE);
  EXPECT_EQ(std::string_view(out, *i.get_xattr("user.a", out)), "one");
  EXPECT_EQ(std::string_view(out, *i.list_xattr(out)), std::string_view("user.a\0user.b\0", 14));
  EXPECT_EQ(errno_of(i.remove_xattr("user.a")), Errno{});
  EXPECT_EQ(errno_of(i.remove_xattr("user.a")), Errno::ENODATA);
  EXPECT_EQ(errno_of(i.set_xattr("system.posix_acl_access", std::string_view("x"), 0)), Errno::EOPNOTSUPP);
}

TEST_F(VfsTmpfs, MemfdSeals) {
  ASSERT_TRUE(init_memfd(*vfs).ok());
  constexpr uint32_t kSeal = 1, kShrink = 2, kGrow = 4, kWrite = 8;
  Ref<File> f = make_memfd("name", Sealing::kAllowed, 0777, *cred).take();
  EXPECT_EQ(path_text(f->path()), "/memfd:name (deleted)");
  EXPECT_EQ(*write_at(*f, "data", 0), 4u);
  Inode& i = *f->inode();
  EXPECT_EQ(*i.seals(), 0u);
  EXPECT_EQ(errno_of(i.add_seals(kShrink | kGrow)), Errno{});
  EXPECT_EQ(errno_of(i.truncate(1)), Errno::EPERM);
  EXPECT_EQ(errno_of(i.truncate(9)), Errno::EPERM);
  EXPECT_EQ(*write_at(*f, "DATA", 0), 4u);
  EXPECT_EQ(errno_of(write_at(*f, "x", 4)), Errno::EPERM);
  EXPECT_EQ(errno_of(i.add_seals(kWrite | kSeal)), Errno{});
  EXPECT_EQ(errno_of(write_at(*f, "x", 0)), Errno::EPERM);
  EXPECT_EQ(errno_of(i.add_seals(kShrink)), Errno::EPERM);
  EXPECT_EQ(read_at(*f, 9, 0), "DATA");
  Ref<File> plain = make_memfd("p", Sealing::kForbidden, 0777, *cred).take();
  EXPECT_EQ(*plain->inode()->seals(), kSeal);
  EXPECT_EQ(errno_of(plain->inode()->add_seals(kWrite)), Errno::EPERM);
}

TEST_F(VfsTmpfs, TmpfileHasNoNameUntilItIsLinked) {
  Ref<File> f = open("/", abi::kOTmpfile | abi::kORdwr).take();
  EXPECT_EQ(*write_at(*f, "hidden", 0), 6u);
  EXPECT_TRUE(list("/").empty());
  EXPECT_TRUE(make_link(ctx(), f->path(), at("/shown")).ok());
  EXPECT_EQ(get_file("/shown"), "hidden");
  EXPECT_EQ(attr("/shown").nlink, 1u);
}

TEST_F(VfsTmpfs, ListingSurvivesChanges) {
  for (int i = 0; i < 300; i++) ASSERT_EQ(create("/n" + std::to_string(i)), Errno{});
  struct Some final : DirSink {
    std::map<std::string, int> seen;
    int room = 0;
    bool add(std::string_view n, uint64_t, uint8_t, uint64_t) override {
      if (room-- == 0) return false;
      seen[std::string(n)]++;
      return true;
    }
  } sink;
  Ref<File> f = open("/", abi::kORdonly | abi::kODirectory).take();
  for (int round = 0; round < 100; round++) {
    sink.room = 7;
    ASSERT_TRUE(f->read_dir(sink).ok());
    // 200..299 come and go; 0..199 have to show up once each.
    std::string name = "/n" + std::to_string(200 + round);
    EXPECT_EQ(unlink(name), Errno{});
    if (round % 2) {
      EXPECT_EQ(create(name), Errno{});
    }
  }
  for (int i = 0; i < 200; i++) EXPECT_EQ(sink.seen["n" + std::to_string(i)], 1) << i;
}

// Random reads, writes, truncations and holes against a string.
class VfsTmpfsData : public VfsTmpfs, public testing::WithParamInterface<unsigned> {};

TEST_P(VfsTmpfsData, AgreesWithAString) {
  std::mt19937 random(GetParam());
  std::string model;
  Ref<File> f = open("/f", abi::kOCreat | abi::kORdwr).take();
  auto below = [&](uint64_t n) { return random() % n; };
  for (int i = 0; i < 2000; i++) {
    uint64_t at = below(300000), n = below(i % 7 == 0 ? 60000 : 5000);
    switch (below(6)) {
      case 0:
      case 1: {
        std::string text(n, static_cast<char>('a' + i % 26));
        ASSERT_EQ(*write_at(*f, text, at), n);
        if (n == 0) break;
        if (model.size() < at + n) model.resize(at + n);
        model.replace(at, n, text);
        break;
      }
      case 2: {
        ASSERT_TRUE(f->inode()->truncate(at).ok());
        model.resize(at);
        break;
      }
      case 3: {
        ASSERT_TRUE(f->inode()->allocate(3, at, n + 1).ok());
        for (uint64_t k = at; k < std::min<uint64_t>(at + n + 1, model.size()); k++) model[k] = 0;
        break;
      }
      case 4: {
        std::string append(n % 100, 'A');
        f->set_flags(f->flags() | abi::kOAppend);
        ASSERT_EQ(*write_at(*f, append, 0), append.size());
        f->set_flags(f->flags() & ~abi::kOAppend);
        model += append;
        break;
      }
      default:
        ASSERT_EQ(read_at(*f, n, at), at < model.size() ? model.substr(at, n) : "") << "step " << i;
    }
    ASSERT_EQ(f->inode()->size(), model.size());
    // What is said to be a hole is zeros.
    if (Result<uint64_t> hole = f->inode()->seek_data_hole(at, true); hole.ok() && *hole < model.size()) {
      uint64_t end = f->inode()->seek_data_hole(*hole, false).value_or(model.size());
      ASSERT_EQ(model.substr(*hole, end - *hole).find_first_not_of('\0'), std::string::npos);
    }
  }
  ASSERT_EQ(read_at(*f, model.size() + 1, 0), model);
}

INSTANTIATE_TEST_SUITE_P(Seeds, VfsTmpfsData, testing::Range(1u, 5u));

// The same random operations on names here and in a directory of the host: the same errno each time.
class VfsTmpfsNames : public VfsTmpfs, public testing::WithParamInterface<unsigned> {
 protected:
  VfsTmpfsNames() {
    char pattern[] = "/tmp/lodge-names-XXXXXX";
    host_root = mkdtemp(pattern);
    EXPECT_FALSE(host_root.empty());
    ::umask(022);
  }
  ~VfsTmpfsNames() override { remove_all(host_root); }
  static void remove_all(const std::string& path) {
    if (DIR* d = opendir(path.c_str())) {
      while (dirent* e = readdir(d))
        if (std::string_view n = e->d_name; n != "." && n != "..") remove_all(path + "/" + e->d_name);
      closedir(d);
      ::rmdir(path.c_str());
    } else {
      ::unlink(path.c_str());
    }
  }
  static Errno host(int r) { return r < 0 ? static_cast<Errno>(errno) : Errno{}; }
  std::string host_root;
};

TEST_P(VfsTmpfsNames, AgreesWithTheHost) {
  std::mt19937 random(GetParam());
  const std::vector<std::string> names = {"/a", "/b",   "/a/c", "/a/d",    "/b/e", "/b/e/g", "/a/c/h",
                                          "/x", "/x/y", "/a/",  "/b/e/..", "/a/.", "/x/y/z", "/b/e/g/"};
  auto pick = [&] { return names[random() % names.size()]; };
  for (int i = 0; i < 4000; i++) {
    std::string a = pick(), b = pick(), ha = host_root + a, hb = host_root + b;
    Errno ours{}, theirs{};
    int kind = static_cast<int>(random() % 8);
    switch (kind) {
      case 0:
        ours = mkdir(a, 0755), theirs = host(::mkdir(ha.c_str(), 0755));
        break;
      case 1:
        ours = rmdir(a), theirs = host(::rmdir(ha.c_str()));
        break;
      case 2:
        ours = unlink(a), theirs = host(::unlink(ha.c_str()));
        break;
      case 3:
        ours = rename(a, b), theirs = host(::rename(ha.c_str(), hb.c_str()));
        break;
      case 4:
        ours = link(a, b), theirs = host(::link(ha.c_str(), hb.c_str()));
        break;
      case 5: {
        ours = create(a);
        int fd = ::open(ha.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        theirs = host(fd);
        if (fd >= 0) ::close(fd);
        break;
      }
      case 6:
        ours = symlink("a", b), theirs = host(::symlink("a", hb.c_str()));
        break;
      default: {
        struct stat s;
        ours = find(a), theirs = host(::stat(ha.c_str(), &s));
        if (ours == Errno{} && theirs == Errno{}) {
          InodeAttr mine = attr(a, kFollow);
          ASSERT_EQ(mine.mode & abi::kTypeMask, s.st_mode & S_IFMT);
          ASSERT_TRUE(S_ISDIR(s.st_mode) || mine.nlink == s.st_nlink);
        }
      }
    }
    ASSERT_EQ(ours, theirs) << "step " << i << ", operation " << kind << " of " << a << " and " << b << ": "
                            << (errno_name(ours) ? errno_name(ours) : "ok") << " here, "
                            << (errno_name(theirs) ? errno_name(theirs) : "ok") << " there";
    if (i % 100 == 0) vfs->dentries().prune_all();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, VfsTmpfsNames, testing::Range(1u, 7u));

}  // namespace
}  // namespace lodge
