// Path walks, names and mounts, over a tmpfs: what a path leads to, and the errno when it does not.
#include "vfs_support.h"

namespace lodge {
namespace {

class VfsPath : public VfsTest {};

TEST_F(VfsPath, ComponentsSlashesAndDots) {
  ASSERT_EQ(mkdir("/a"), Errno{});
  ASSERT_EQ(mkdir("/a/b"), Errno{});
  ASSERT_EQ(put_file("/a/b/f", "x"), Errno{});
  EXPECT_EQ(find("/a/b/f"), Errno{});
  EXPECT_EQ(find("//a///b//f"), Errno{});
  EXPECT_EQ(find("/a/./b/../b/f"), Errno{});
  EXPECT_EQ(find("/../../a/b/f"), Errno{});
  EXPECT_EQ(find("a/b"), Errno{});
  EXPECT_EQ(find("/a/b/"), Errno{});
  EXPECT_EQ(find("/a/b/f/"), Errno::ENOTDIR);
  EXPECT_EQ(find("/a/b/f/."), Errno::ENOTDIR);
  EXPECT_EQ(find("/a/b/f/.."), Errno::ENOTDIR);
  EXPECT_EQ(find("/a/x/f"), Errno::ENOENT);
  EXPECT_EQ(find("/a/x"), Errno::ENOENT);
  EXPECT_EQ(find("/a/x"), Errno::ENOENT);  // now a negative dentry
  EXPECT_EQ(find(""), Errno::ENOENT);
  EXPECT_EQ(find("/a/b/f", kDirectory), Errno::ENOTDIR);
  EXPECT_EQ(find("/"), Errno{});
  EXPECT_EQ(find("/" + std::string(255, 'n')), Errno::ENOENT);
  EXPECT_EQ(find("/" + std::string(256, 'n')), Errno::ENAMETOOLONG);
}

TEST_F(VfsPath, CachedAndUncachedAgree) {
  for (std::string name : {"/short", "/exactly-fifty-six-bytes-long-name-for-the-inline-words-xyz12"}) {
    ASSERT_EQ(put_file(name, "1"), Errno{});
    EXPECT_EQ(find(name), Errno{});
    vfs->dentries().prune_all();
    EXPECT_EQ(vfs->dentries().unused_count(), 0u);
    EXPECT_EQ(find(name), Errno{});
    EXPECT_EQ(find(name), Errno{});
    EXPECT_EQ(unlink(name), Errno{});
    EXPECT_EQ(find(name), Errno::ENOENT);
    vfs->dentries().prune_all();
    EXPECT_EQ(find(name), Errno::ENOENT);
  }
}

TEST_F(VfsPath, NamesOfEveryLength) {
  for (size_t n = 1; n <= 255; n++) {
    std::string name = "/" + std::string(n, 'q');
    ASSERT_EQ(create(name), Errno{}) << n;
    ASSERT_EQ(find(name), Errno{}) << n;
    ASSERT_EQ(path_text(*lookup(name)), name);
  }
  EXPECT_EQ(list("/").size(), 255u);
  for (size_t n = 1; n <= 255; n++) ASSERT_EQ(unlink("/" + std::string(n, 'q')), Errno{}) << n;
  EXPECT_TRUE(list("/").empty());
}

TEST_F(VfsPath, Symlinks) {
  ASSERT_EQ(mkdir("/d"), Errno{});
  ASSERT_EQ(put_file("/d/f", "hello"), Errno{});
  ASSERT_EQ(symlink("d", "/rel"), Errno{});
  ASSERT_EQ(symlink("/d/f", "/abs"), Errno{});
  ASSERT_EQ(symlink("../d/f", "/d/up"), Errno{});
  ASSERT_EQ(symlink("nowhere", "/dangling"), Errno{});
  ASSERT_EQ(symlink("loop2", "/loop1"), Errno{});
  ASSERT_EQ(symlink("loop1", "/loop2"), Errno{});
  EXPECT_EQ(get_file("/rel/f"), "hello");
  EXPECT_EQ(get_file("/abs"), "hello");
  EXPECT_EQ(get_file("/rel/up"), "hello");
  EXPECT_EQ(path_text(*lookup("/rel/up")), "/d/f");
  EXPECT_EQ(path_text(*lookup("/rel/up", 0)), "/d/up");
  EXPECT_EQ(path_text(*lookup("/rel", 0)), "/rel");
  EXPECT_EQ(path_text(*lookup("/rel/", 0)), "/d");
  EXPECT_EQ(find("/abs/"), Errno::ENOTDIR);
  EXPECT_EQ(find("/dangling"), Errno::ENOENT);
  EXPECT_EQ(find("/dangling", 0), Errno{});
  EXPECT_EQ(find("/loop1"), Errno::ELOOP);
  EXPECT_EQ(find("/loop1/x"), Errno::ELOOP);
  EXPECT_EQ(find("/rel/f", kFollow | kNoSymlinks), Errno::ELOOP);
  EXPECT_EQ(errno_of(open("/abs", abi::kONofollow)), Errno::ELOOP);
  EXPECT_EQ(errno_of(open("/abs", abi::kOCreat | abi::kOExcl | abi::kOWronly)), Errno::EEXIST);
  EXPECT_EQ(errno_of(open("/dangling", abi::kOCreat | abi::kOWronly)), Errno{});
  EXPECT_EQ(find("/nowhere"), Errno{});
}

TEST_F(VfsPath, FortySymlinksAreFollowedButNotMore) {
  ASSERT_EQ(put_file("/l0", "end"), Errno{});
  for (int i = 1; i <= 41; i++)
    ASSERT_EQ(symlink("l" + std::to_string(i - 1), "/l" + std::to_string(i)), Errno{});
  EXPECT_EQ(get_file("/l40"), "end");
  EXPECT_EQ(find("/l41"), Errno::ELOOP);
}

TEST_F(VfsPath, ConfinedWalks) {
  ASSERT_EQ(mkdir("/jail"), Errno{});
  ASSERT_EQ(mkdir("/jail/in"), Errno{});
  ASSERT_EQ(put_file("/out", "outside"), Errno{});
  ASSERT_EQ(put_file("/jail/out", "inside"), Errno{});
  ASSERT_EQ(symlink("/out", "/jail/abs"), Errno{});
  ASSERT_EQ(symlink("../../out", "/jail/in/up"), Errno{});
  FdReservation r = fds->reserve(64, FdCloexec::kNo).take();
  int dir = r.install(open("/jail", abi::kODirectory).take());
  auto from_jail = [&](std::string_view name, uint32_t flags) {
    Result<Path> p = lookup_path(ctx(), dir, name, flags | kFollow);
    return p.ok() ? path_text(*p) : std::string(errno_name(p.error()));
  };
  EXPECT_EQ(from_jail("abs", 0), "/out");
  EXPECT_EQ(from_jail("abs", kBeneath), "EXDEV");
  EXPECT_EQ(from_jail("abs", kInRoot), "/jail/out");
  EXPECT_EQ(from_jail("in/up", kBeneath), "EXDEV");
  EXPECT_EQ(from_jail("in/up", kInRoot), "/jail/out");
  EXPECT_EQ(from_jail("..", kBeneath), "EXDEV");
  EXPECT_EQ(from_jail("../out", kInRoot), "/jail/out");
  EXPECT_EQ(from_jail("/out", kInRoot), "/jail/out");
  EXPECT_EQ(from_jail("/out", kBeneath), "EXDEV");
  EXPECT_EQ(from_jail("in/..", kBeneath), "/jail");
  EXPECT_EQ(from_jail("abs", kNoSymlinks), "ELOOP");
  EXPECT_TRUE(fds->close(dir).ok());
}

TEST_F(VfsPath, Permissions) {
  ASSERT_EQ(mkdir("/private", 0700), Errno{});
  ASSERT_EQ(put_file("/private/f", "x"), Errno{});
  ASSERT_EQ(mkdir("/sticky", 0777), Errno{});
  ASSERT_TRUE(change_mode(*lookup("/sticky"), 01777, *cred).ok());
  ASSERT_EQ(put_file("/sticky/roots", "x"), Errno{});
  become(1000, 1000);
  EXPECT_EQ(find("/private/f"), Errno::EACCES);
  vfs->dentries().prune_all();
  EXPECT_EQ(find("/private/f"), Errno::EACCES);
  EXPECT_EQ(find("/private/none"), Errno::EACCES);
  EXPECT_EQ(mkdir("/here"), Errno::EACCES);
  EXPECT_EQ(errno_of(open("/sticky/roots", abi::kOWronly)), Errno::EACCES);
  EXPECT_EQ(unlink("/sticky/roots"), Errno::EPERM);
  EXPECT_EQ(put_file("/sticky/mine", "m"), Errno{});
  EXPECT_EQ(attr("/sticky/mine").uid, 1000u);
  EXPECT_EQ(errno_of(change_mode(*lookup("/sticky/roots"), 0666, *cred)), Errno::EPERM);
  EXPECT_EQ(errno_of(change_owner(*lookup("/sticky/mine"), 0, 0, *cred)), Errno::EPERM);
  become(0, 0);
  ASSERT_TRUE(change_mode(*lookup("/private"), 0711, *cred).ok());
  become(1000, 1000);
  EXPECT_EQ(find("/private/f"), Errno{});  // the change is seen by the lock-free walk
  EXPECT_EQ(unlink("/sticky/mine"), Errno{});
}

TEST_F(VfsPath, MakeAndRemove) {
  EXPECT_EQ(mkdir("/a"), Errno{});
  EXPECT_EQ(mkdir("/a"), Errno::EEXIST);
  EXPECT_EQ(mkdir("/x/y"), Errno::ENOENT);
  EXPECT_EQ(mkdir("/a/b/"), Errno{});
  EXPECT_EQ(attr("/a").nlink, 3u);
  EXPECT_EQ(rmdir("/a"), Errno::ENOTEMPTY);
  EXPECT_EQ(rmdir("/a/b/."), Errno::EINVAL);
  EXPECT_EQ(rmdir("/a/b/.."), Errno::ENOTEMPTY);
  EXPECT_EQ(rmdir("/"), Errno::EBUSY);
  EXPECT_EQ(unlink("/a"), Errno::EISDIR);
  EXPECT_EQ(put_file("/f", ""), Errno{});
  EXPECT_EQ(rmdir("/f"), Errno::ENOTDIR);
  EXPECT_EQ(unlink("/f/"), Errno::ENOTDIR);
  EXPECT_EQ(create("/g/"), Errno::EISDIR);
  EXPECT_EQ(symlink("t", "/s/"), Errno::ENOENT);
  EXPECT_EQ(link("/f", "/h"), Errno{});
  EXPECT_EQ(attr("/f").nlink, 2u);
  EXPECT_EQ(attr("/f").ino, attr("/h").ino);
  EXPECT_EQ(link("/a", "/hd"), Errno::EPERM);
  EXPECT_EQ(link("/f", "/h"), Errno::EEXIST);
  EXPECT_EQ(unlink("/f"), Errno{});
  EXPECT_EQ(unlink("/f"), Errno::ENOENT);
  EXPECT_EQ(attr("/h").nlink, 1u);
  EXPECT_EQ(errno_of(open("/h", abi::kODirectory)), Errno::ENOTDIR);
  EXPECT_EQ(errno_of(open("/a", abi::kOWronly)), Errno::EISDIR);
  EXPECT_EQ(errno_of(open("/a", abi::kOCreat | abi::kORdonly)), Errno::EISDIR);
}

TEST_F(VfsPath, RemovedDirectoryIsDeadButAlive) {
  ASSERT_EQ(mkdir("/d"), Errno{});
  fs->set_cwd(lookup("/d").take());
  EXPECT_EQ(find("nothing"), Errno::ENOENT);  // leaves a negative dentry in it
  ASSERT_EQ(rmdir("/d"), Errno{});
  EXPECT_EQ(find("."), Errno{});
  EXPECT_EQ(find("nothing"), Errno::ENOENT);
  EXPECT_EQ(put_file("f", "x"), Errno::ENOENT);
  EXPECT_EQ(mkdir("d2"), Errno::ENOENT);
  EXPECT_EQ(path_text(fs->cwd()), "/d (deleted)");
  ASSERT_EQ(mkdir("/d"), Errno{});  // a new one of the same name
  EXPECT_EQ(put_file("/d/f", "x"), Errno{});
  EXPECT_EQ(find("f"), Errno::ENOENT);
  EXPECT_EQ(find(".."), Errno{});
}

TEST_F(VfsPath, UnlinkedFileStaysReadable) {
  ASSERT_EQ(put_file("/f", "still here"), Errno{});
  Ref<File> f = open("/f", abi::kORdonly).take();
  ASSERT_EQ(unlink("/f"), Errno{});
  EXPECT_EQ(read_at(*f, 100, 0), "still here");
  EXPECT_EQ(path_text(f->path()), "/f (deleted)");
  ASSERT_EQ(put_file("/f", "new"), Errno{});
  EXPECT_EQ(read_at(*f, 100, 0), "still here");
  EXPECT_EQ(get_file("/f"), "new");
}

TEST_F(VfsPath, Rename) {
  ASSERT_EQ(mkdir("/a"), Errno{});
  ASSERT_EQ(mkdir("/a/b"), Errno{});
  ASSERT_EQ(mkdir("/c"), Errno{});
  ASSERT_EQ(put_file("/a/f", "F"), Errno{});
  ASSERT_EQ(put_file("/g", "G"), Errno{});
  EXPECT_EQ(rename("/a", "/a/b/x"), Errno::EINVAL);
  EXPECT_EQ(rename("/a/f", "/a"), Errno::ENOTEMPTY);
  EXPECT_EQ(rename("/none", "/x"), Errno::ENOENT);
  EXPECT_EQ(rename("/g", "/c"), Errno::EISDIR);
  EXPECT_EQ(rename("/c", "/g"), Errno::ENOTDIR);
  EXPECT_EQ(rename("/c", "/a"), Errno::ENOTEMPTY);
  EXPECT_EQ(rename("/g", "/a/f", kRenameNoreplace), Errno::EEXIST);
  EXPECT_EQ(rename("/g", "/new/"), Errno::ENOTDIR);
  EXPECT_EQ(rename("/a/b/.", "/x"), Errno::EBUSY);
  EXPECT_EQ(rename("/g", "/a/f"), Errno{});
  EXPECT_EQ(get_file("/a/f"), "G");
  EXPECT_EQ(find("/g"), Errno::ENOENT);
  EXPECT_EQ(rename("/a/b", "/c"), Errno{});  // over an empty directory
  EXPECT_EQ(attr("/a").nlink, 2u);
  EXPECT_EQ(attr("/").nlink, 4u);
  EXPECT_EQ(rename("/a/f", "/c", kRenameExchange), Errno{});
  EXPECT_EQ(get_file("/c"), "G");
  EXPECT_EQ(attr("/a").nlink, 3u);
  EXPECT_EQ(attr("/").nlink, 3u);
  EXPECT_EQ(find("/a/f/"), Errno{});
  EXPECT_EQ(rename("/c", "/w", kRenameWhiteout), Errno{});
  EXPECT_EQ(attr("/c").mode & abi::kTypeMask, abi::kTypeChar);
  EXPECT_EQ(rename("/w", "/w"), Errno{});
}

TEST_F(VfsPath, Mounts) {
  ASSERT_EQ(mkdir("/mnt"), Errno{});
  ASSERT_EQ(put_file("/mnt/below", "b"), Errno{});
  auto mount = [&](std::string_view where) {
    MountRequest request{.source = "tmp", .options = "size=1M,mode=755"};
    MountRef m = vfs->mount_fs("tmpfs", request).take();
    return errno_of(vfs->mounts().attach(std::move(m), lookup(where).take()));
  };
  ASSERT_EQ(mount("/mnt"), Errno{});
  EXPECT_EQ(find("/mnt/below"), Errno::ENOENT);
  EXPECT_EQ(put_file("/mnt/top", "t"), Errno{});
  EXPECT_EQ(mkdir("/mnt/d"), Errno{});
  EXPECT_EQ(path_text(*lookup("/mnt/d/..")), "/mnt");
  EXPECT_EQ(path_text(*lookup("/mnt/d/../..")), "/");
  EXPECT_EQ(rmdir("/mnt"), Errno::EBUSY);
  EXPECT_EQ(rename("/mnt", "/mnt2"), Errno::EBUSY);
  EXPECT_EQ(rename("/mnt/top", "/top"), Errno::EXDEV);
  EXPECT_EQ(link("/mnt/top", "/top"), Errno::EXDEV);
  EXPECT_EQ(find("/mnt/top", kNoXdev), Errno::EXDEV);
  {
    Ref<File> busy = open("/mnt/top", abi::kORdonly).take();
    EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/mnt"), 0)), Errno::EBUSY);
  }
  ASSERT_EQ(mount("/mnt"), Errno{});  // on top of the first
  EXPECT_EQ(find("/mnt/top"), Errno::ENOENT);
  EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/mnt"), 0)), Errno{});
  EXPECT_EQ(find("/mnt/top"), Errno{});
  ASSERT_EQ(mkdir("/bind"), Errno{});
  EXPECT_EQ(errno_of(vfs->mounts().bind(*lookup("/mnt/d"), *lookup("/bind"), MountTree::Depth::kThis)),
            Errno{});
  EXPECT_EQ(put_file("/bind/x", "through"), Errno{});
  EXPECT_EQ(get_file("/mnt/d/x"), "through");
  EXPECT_EQ(path_text(*lookup("/bind/..")), "/");
  EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/bind"), abi::kMntExpire)), Errno::EAGAIN);
  EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/bind"), abi::kMntExpire)), Errno{});
  ASSERT_EQ(mkdir("/moved"), Errno{});
  EXPECT_EQ(errno_of(vfs->mounts().move(*lookup("/mnt"), *lookup("/moved"))), Errno{});
  EXPECT_EQ(get_file("/moved/d/x"), "through");
  EXPECT_EQ(get_file("/mnt/below"), "b");
  {
    Ref<File> f = open("/moved/d/x", abi::kORdonly).take();
    EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/moved"), abi::kMntDetach)), Errno{});
    EXPECT_EQ(find("/moved/d"), Errno::ENOENT);
    EXPECT_EQ(read_at(*f, 10, 0), "through");
  }
  EXPECT_EQ(rmdir("/moved"), Errno{});
  EXPECT_EQ(errno_of(vfs->mounts().umount(*lookup("/"), 0)), Errno::EBUSY);
}

TEST_F(VfsPath, ReadOnlyMountRefusesChanges) {
  ASSERT_EQ(put_file("/f", "x"), Errno{});
  Path root = lookup("/").take();
  vfs->mounts().set_flags(*root.mount(), abi::kMsRdonly);
  EXPECT_EQ(put_file("/g", "x"), Errno::EROFS);
  EXPECT_EQ(mkdir("/d"), Errno::EROFS);
  EXPECT_EQ(unlink("/f"), Errno::EROFS);
  EXPECT_EQ(rename("/f", "/g"), Errno::EROFS);
  EXPECT_EQ(errno_of(open("/f", abi::kOWronly)), Errno::EROFS);
  EXPECT_EQ(errno_of(change_mode(*lookup("/f"), 0600, *cred)), Errno::EROFS);
  EXPECT_EQ(get_file("/f"), "x");
  vfs->mounts().set_flags(*root.mount(), 0);
}

TEST_F(VfsPath, CacheIsBounded) {
  for (int i = 0; i < 2000; i++) EXPECT_EQ(find("/none" + std::to_string(i)), Errno::ENOENT);
  EXPECT_LE(vfs->dentries().unused_count(), 200u);
}

TEST_F(VfsPath, NamesOfRemovedFilesGiveWayToNamesOfFiles) {
  for (int i = 0; i < 100; i++) ASSERT_EQ(put_file("/kept" + std::to_string(i), "x"), Errno{});
  size_t before = vfs->dentries().unused_count();
  for (int i = 0; i < 2000; i++) {
    std::string path = "/gone" + std::to_string(i);
    ASSERT_EQ(put_file(path, "x"), Errno{});
    ASSERT_EQ(unlink(path), Errno{});
  }
  EXPECT_GE(vfs->dentries().unused_count(), before);
  EXPECT_LE(vfs->dentries().unused_count(), before + 32);
}

// Walkers without locks against threads that rename, remove and make what they walk over: a path is found
// whole or not at all, and nothing of it is left behind.
TEST_F(VfsPath, WalksDuringChanges) {
  ASSERT_EQ(mkdir("/a"), Errno{});
  ASSERT_EQ(mkdir("/a/b"), Errno{});
  ASSERT_EQ(put_file("/a/b/keep", "k"), Errno{});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, found{0};
  auto in_thread = [&](auto body) {
    return std::thread([&, body] {
      ArenaScope::Join join(scope);
      Ref<FsContext> own = fs->copy().take();
      Ref<FdTable> own_fds = make<FdTable>().take();
      PathContext c{*own, *own_fds, *cred};
      for (int i = 0; !stop || i < 100; i++) body(c, i);
    });
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; t++)
    threads.push_back(in_thread([&](PathContext& c, int) {
      for (const char* name : {"/a/b/keep", "/x/b/keep", "/a/b/../b/keep"}) {
        Result<Path> p = lookup_path(c, abi::kAtFdcwd, name, kFollow);
        if (p.ok()) {
          found++;
          if (!p->dentry()->inode() || p->dentry()->inode()->size() != 1) wrong++;
        } else if (p.error() != Errno::ENOENT) {
          wrong++;
        }
      }
    }));
  threads.push_back(in_thread([&](PathContext& c, int i) {
    bool there = i % 2 == 0;
    (void)rename_path(c, at(there ? "/a" : "/x"), at(there ? "/x" : "/a"), 0);
  }));
  threads.push_back(in_thread([&](PathContext& c, int) {
    if (make_directory(c, at("/t"), 0777).ok()) (void)remove_directory(c, at("/t"));
    (void)lookup_path(c, abi::kAtFdcwd, "/t/none", 0);
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  stop = true;
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace lodge
