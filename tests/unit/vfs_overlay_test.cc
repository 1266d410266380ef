// The overlay: single rules, then random operations on an overlay and on a plain tmpfs with the same
// contents, which must agree in every answer and in the tree that results.
#include <random>

#include "vfs/overlay/overlay.h"
#include "vfs_support.h"

namespace lodge {
namespace {

class VfsOverlay : public VfsTest {
 protected:
  VfsOverlay() {
    EXPECT_EQ(mkdir("/lower"), Errno{});
    EXPECT_EQ(mkdir("/plain"), Errno{});
    EXPECT_EQ(mkdir("/over"), Errno{});
    lower_sb = new_tmpfs();
    mount(Ref<Superblock>(*lower_sb), "/lower");
    mount(new_tmpfs(), "/plain");
  }
  ~VfsOverlay() override {
    (void)vfs->mounts().umount(*lookup("/over"), abi::kMntDetach);
    lower_sb.reset();
  }

  Ref<TmpfsSuperblock> new_tmpfs() { return TmpfsSuperblock::create({.mode = 0755}).take(); }
  void mount(Ref<Superblock> sb, std::string_view where) {
    MountRef m = vfs->mount_superblock(std::move(sb), 0, "test").take();
    ASSERT_TRUE(vfs->mounts().attach(std::move(m), lookup(where).take()).ok());
  }
  // After the lower tree was filled through /lower.
  void mount_overlay() {
    Ref<OverlaySuperblock> sb = OverlaySuperblock::create(Ref<Superblock>(*lower_sb), new_tmpfs()).take();
    mount(Ref<Superblock>(std::move(sb)), "/over");
  }
  void fill(const std::string& root) {
    EXPECT_EQ(mkdir(root + "/d"), Errno{});
    EXPECT_EQ(mkdir(root + "/d/e"), Errno{});
    EXPECT_EQ(mkdir(root + "/empty"), Errno{});
    EXPECT_EQ(put_file(root + "/f", "lower f"), Errno{});
    EXPECT_EQ(put_file(root + "/d/g", std::string(10000, 'g')), Errno{});
    EXPECT_EQ(put_file(root + "/d/e/h", "deep"), Errno{});
    EXPECT_EQ(link(root + "/f", root + "/d/hard"), Errno{});
    EXPECT_EQ(symlink("d/g", root + "/link"), Errno{});
  }

  RefPtr<TmpfsSuperblock> lower_sb;
};

TEST_F(VfsOverlay, ReadsThroughAndCopiesUp) {
  fill("/lower");
  mount_overlay();
  EXPECT_EQ(get_file("/over/f"), "lower f");
  EXPECT_EQ(get_file("/over/link"), std::string(10000, 'g'));
  InodeAttr before = attr("/over/f");
  Ref<File> reader = open("/over/f", abi::kORdonly).take();
  Ref<File> f = open("/over/f", abi::kORdwr).take();
  EXPECT_EQ(*write_at(*f, "UPPER", 0), 5u);
  EXPECT_EQ(get_file("/over/f"), "UPPER f");
  EXPECT_EQ(read_at(*reader, 100, 0), "UPPER f");  // opened before the copy
  EXPECT_EQ(get_file("/over/d/hard"), "UPPER f");  // the other name of the file
  EXPECT_EQ(get_file("/lower/f"), "lower f");
  InodeAttr after = attr("/over/f");
  EXPECT_EQ(after.ino, before.ino);
  EXPECT_EQ(after.nlink, 2u);
  EXPECT_EQ(attr("/over/d/hard").ino, before.ino);
  vfs->dentries().prune_all();  // what the cache forgets is not lost
  EXPECT_EQ(get_file("/over/d/hard"), "UPPER f");
}

TEST_F(VfsOverlay, AttributesAreCopiedWithoutContents) {
  fill("/lower");
  mount_overlay();
  ASSERT_TRUE(change_mode(*lookup("/over/d/g"), 0600, *cred).ok());
  ASSERT_TRUE(change_owner(*lookup("/over/link", 0), 5, 6, *cred).ok());
  EXPECT_EQ(attr("/over/d/g").mode, abi::kTypeRegular | 0600);
  EXPECT_EQ(attr("/over/d/g").size, 10000u);
  EXPECT_EQ(attr("/over/link").uid, 5u);
  EXPECT_EQ(attr("/over/link").size, 3u);
  EXPECT_EQ(attr("/lower/d/g").mode, abi::kTypeRegular | 0644);
  EXPECT_EQ(get_file("/over/d/g"), std::string(10000, 'g'));
  vfs->dentries().prune_all();
  EXPECT_EQ(attr("/over/d/g").mode, abi::kTypeRegular | 0600);
  EXPECT_EQ(errno_of(lookup("/over/d/g")->dentry()->inode()->set_xattr("user.a", std::string_view("1"), 0)),
            Errno{});
  char value[4];
  EXPECT_EQ(*lookup("/over/d/g")->dentry()->inode()->get_xattr("user.a", value), 1u);
}

TEST_F(VfsOverlay, WhiteoutsAndNewNames) {
  fill("/lower");
  mount_overlay();
  EXPECT_EQ(unlink("/over/f"), Errno{});
  EXPECT_EQ(find("/over/f"), Errno::ENOENT);
  vfs->dentries().prune_all();
  EXPECT_EQ(find("/over/f"), Errno::ENOENT);
  EXPECT_EQ(attr("/over/d/hard").nlink, 1u);
  EXPECT_EQ(list("/over"), (std::vector<std::string>{"d", "empty", "link"}));
  EXPECT_EQ(put_file("/over/f", "again"), Errno{});
  vfs->dentries().prune_all();
  EXPECT_EQ(get_file("/over/f"), "again");
  EXPECT_EQ(get_file("/over/d/hard"), "lower f");
  EXPECT_EQ(list("/over"), (std::vector<std::string>{"d", "empty", "f", "link"}));
  EXPECT_EQ(rmdir("/over/d"), Errno::ENOTEMPTY);
  EXPECT_EQ(unlink("/over/d/e/h"), Errno{});
  EXPECT_EQ(rmdir("/over/d/e"), Errno{});
  EXPECT_EQ(mkdir("/over/d/e"), Errno{});
  EXPECT_TRUE(list("/over/d/e").empty());  // opaque: the lower one's name does not come back
  EXPECT_EQ(find("/lower/d/e/h"), Errno{});
}

TEST_F(VfsOverlay, DirectoriesBelowAreRenamed) {
  fill("/lower");
  mount_overlay();
  EXPECT_EQ(rename("/over/d", "/over/moved"), Errno{});
  EXPECT_EQ(get_file("/over/moved/e/h"), "deep");
  EXPECT_EQ(find("/over/d"), Errno::ENOENT);
  EXPECT_EQ(put_file("/over/moved/e/new", "n"), Errno{});
  EXPECT_EQ(mkdir("/over/d"), Errno{});
  EXPECT_TRUE(list("/over/d").empty());
  vfs->dentries().prune_all();
  EXPECT_EQ(list("/over/moved/e"), (std::vector<std::string>{"h", "new"}));
  EXPECT_EQ(rename("/over/f", "/over/moved/e/h", kRenameExchange), Errno{});
  EXPECT_EQ(get_file("/over/f"), "deep");
  EXPECT_EQ(get_file("/over/moved/e/h"), "lower f");
}

TEST_F(VfsOverlay, UnlinkedLowerFileCanStillBeWritten) {
  fill("/lower");
  mount_overlay();
  Ref<File> f = open("/over/d/g", abi::kORdwr).take();
  ASSERT_EQ(unlink("/over/d/g"), Errno{});
  EXPECT_EQ(*write_at(*f, "x", 3), 1u);
  EXPECT_EQ(read_at(*f, 5, 1), "ggxgg");
}

TEST_F(VfsOverlay, TruncatingCopiesOnlyWhatStays) {
  fill("/lower");
  mount_overlay();
  EXPECT_EQ(put_file("/over/d/g", "short"), Errno{});  // O_TRUNC
  EXPECT_EQ(get_file("/over/d/g"), "short");
  ASSERT_TRUE(truncate_inode(*lookup("/over/f"), 3, *cred).ok());
  EXPECT_EQ(get_file("/over/f"), "low");
}

// One random operation, by name, on a tree at `root`; both trees get the same sequence.
struct Operation {
  int kind;
  std::string a, b;
  uint32_t flags;
};

class VfsOverlayModel : public VfsOverlay, public testing::WithParamInterface<unsigned> {
 protected:
  Errno apply(const std::string& root, const Operation& op) {
    std::string a = root + op.a, b = root + op.b;
    switch (op.kind) {
      case 0:
        return mkdir(a);
      case 1:
        return rmdir(a);
      case 2:
        return unlink(a);
      case 3:
        return rename(a, b, op.flags);
      case 4:
        return link(a, b);
      case 5:
        return put_file(a, op.b);
      case 6: {
        Result<Ref<File>> f = open(a, abi::kOWronly | abi::kOAppend);
        return f.ok() ? errno_of(write_at(**f, op.b, 0)) : f.error();
      }
      case 7: {
        Result<Path> p = lookup(a, 0);
        return p.ok() ? errno_of(change_mode(*p, op.flags, *cred)) : p.error();
      }
      case 8:
        return symlink(op.b, a);
      default: {
        Result<Path> p = lookup(a, 0);
        if (!p.ok()) return p.error();
        return errno_of(truncate_inode(*p, op.flags * 100, *cred));
      }
    }
  }

  void describe(const std::string& path, std::string& out, std::map<uint64_t, int>& files) {
    for (const std::string& name : list(path)) {
      std::string full = path + "/" + name;
      InodeAttr a = attr(full);
      bool dir = (a.mode & abi::kTypeMask) == abi::kTypeDir;
      out += full.substr(full.find('/', 1)) + " mode=" + std::to_string(a.mode) +
             " nlink=" + std::to_string(a.nlink);
      // Which names are one file, whatever its number.
      out += " file=" + std::to_string(files.emplace(a.ino, files.size()).first->second);
      if (!dir) out += " size=" + std::to_string(a.size);
      if ((a.mode & abi::kTypeMask) == abi::kTypeRegular) out += " " + get_file(full);
      out += "\n";
      if (dir) describe(full, out, files);
    }
  }
};

TEST_P(VfsOverlayModel, AgreesWithPlainTmpfs) {
  std::mt19937 random(GetParam());
  fill("/lower");
  fill("/plain");
  mount_overlay();
  const std::vector<std::string> names = {"/f",      "/d",       "/d/g",   "/d/e",    "/d/e/h",
                                          "/d/hard", "/link",    "/new",   "/new/x",  "/d/n",
                                          "/empty",  "/empty/y", "/d/e/z", "/new/x/w"};
  auto pick = [&] { return names[random() % names.size()]; };
  for (int i = 0; i < 1500; i++) {
    Operation op{static_cast<int>(random() % 10), pick(), pick(), 0};
    if (op.kind == 3)
      op.flags = random() % 4 == 0 ? kRenameExchange : random() % 4 == 0 ? kRenameNoreplace : 0u;
    if (op.kind == 5 || op.kind == 6) op.b = std::string(random() % 300, static_cast<char>('a' + i % 26));
    if (op.kind == 7) op.flags = 0600 + random() % 0100;
    if (op.kind == 8) op.b = "target" + std::to_string(i);
    if (op.kind == 9) op.flags = random() % 60;
    Errno plain = apply("/plain", op), over = apply("/over", op);
    ASSERT_EQ(plain, over) << "step " << i << " kind " << op.kind << " " << op.a << " " << op.b;
    if (i % 50 == 0) vfs->dentries().prune_all();
    if (i % 10 == 0) {
      std::string plain_text, over_text;
      std::map<uint64_t, int> plain_files, over_files;
      describe("/plain", plain_text, plain_files);
      describe("/over", over_text, over_files);

      ASSERT_EQ(plain_text, over_text) << "step " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, VfsOverlayModel, testing::Range(1u, 9u));

}  // namespace
}  // namespace lodge
