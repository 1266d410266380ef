// ext4 images for unit tests: made by mke2fs and debugfs from a directory, mounted in an arena of their own,
// and compared with what they were made from.
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/file/io_cursor.h"
#include "kernel/host/hosted/arena_scope.h"
#include "kernel/mm/page_file.h"
#include "vfs/ext4/inode.h"
#include "vfs/ext4/superblock.h"

namespace lodge::ext4 {

class TempDir {
 public:
  TempDir() {
    // In memory where there is such a place: e2fsck waits for the disk.
    std::string name = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    name += "/lodge-ext4-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { EXPECT_EQ(system(("rm -rf " + path_).c_str()), 0); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a shell command and gives its output; a failure fails the test.
inline std::string shell(const std::string& command) {
  std::string out;
  FILE* p = popen(("PATH=$PATH:/sbin:/usr/sbin; exec 2>&1; " + command).c_str(), "r");
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, p)) out.append(buffer, n);
  EXPECT_EQ(pclose(p), 0) << command << "\n" << out;
  return out;
}

inline void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// Bytes that differ from block to block, the same for the same seed.
inline std::string pattern(size_t size, unsigned seed) {
  std::string s(size, 0);
  uint32_t v = seed * 2654435761u + 1;
  for (char& c : s) c = static_cast<char>((v = v * 1664525 + 1013904223) >> 24);
  return s;
}

// The page file that copies go to, at its place before a test opens anything.
inline const bool page_file_made = [] {
  constexpr int kAt = static_cast<int>(host::HostFile::kPages);
  int fd = memfd_create("pages", MFD_CLOEXEC);
  if (fd != kAt) {
    dup3(fd, kAt, O_CLOEXEC);
    close(fd);
  }
  return ftruncate(kAt, off_t{1} << 40) == 0;
}();

// If not 0: which allocation of the next mounts fails, counted from mounting on.
inline uint64_t failing_allocation = 0;

class Mounted {
 public:
  explicit Mounted(const std::string& path, MountOptions options = {}, size_t arena_size = 64 << 20)
      : Mounted(open(path.c_str(), O_RDONLY | O_CLOEXEC), options, arena_size) {}
  // Takes the descriptor over.
  Mounted(int fd, MountOptions options, size_t arena_size) : arena_(arena_size), fd_(fd) {
    EXPECT_TRUE(page_file_made);
    arena_.arena().set_kernel(&kernel_);
    kernel_.set_part(*pages_);
    arena_.arena().fail_nth(failing_allocation);
    EXPECT_GE(fd_, 0);
    struct stat st;
    fstat(fd_, &st);
    auto r = Ext4Superblock::mount(static_cast<host::HostFile>(fd_), static_cast<uint64_t>(st.st_size),
                                   options, error_);
    if (r.ok())
      sb_ = RefPtr<Ext4Superblock>(r.take());
    else
      errno_ = r.error();
  }
  ~Mounted() {
    sb_.reset();
    pages_.reset();
    EXPECT_EQ(arena_.active_objects(), 0u) << "objects left in the arena";
    close(fd_);
  }
  bool ok() const { return static_cast<bool>(sb_); }
  Errno error() const { return errno_; }
  std::string message() const { return std::string(error_.message()); }
  Ext4Superblock& operator*() { return *sb_; }
  Ext4Superblock* operator->() { return sb_.get(); }
  ArenaScope& arena() { return arena_; }
  int fd() const { return fd_; }
  const Device& device() { return sb_->volume().device(); }

  // A path below the root; fails the test if there is none.
  RefPtr<Inode> find(const std::string& path) {
    RefPtr<Inode> at = sb_->root();
    for (size_t i = 0; i < path.size();) {
      size_t end = std::min(path.find('/', i), path.size());
      if (end > i) {
        auto r = at->lookup(path.substr(i, end - i));
        if (!r.ok()) {
          ADD_FAILURE() << path << ": " << errno_name(r.error());
          return {};
        }
        at = r.take();
      }
      i = end + 1;
    }
    return at;
  }

 private:
  ArenaScope arena_;
  Kernel kernel_;
  std::optional<PageFile> pages_{std::in_place, uint64_t{1} << 40};
  int fd_;
  MountError error_;
  Errno errno_{};
  RefPtr<Ext4Superblock> sb_;
};

struct DirItem {
  uint64_t ino;
  uint8_t type;
};

// All entries, taken a few at a time, so that every offset is used to go on from.
inline std::map<std::string, DirItem> list_dir(Inode& dir, int at_a_time = 3) {
  struct Sink : DirSink {
    bool add(std::string_view name, uint64_t ino, uint8_t type, uint64_t next) override {
      if (room == 0) return false;
      room--;
      EXPECT_TRUE(items.emplace(std::string(name), DirItem{ino, type}).second) << "twice: " << name;
      offset = next;
      return true;
    }
    std::map<std::string, DirItem> items;
    uint64_t offset = 0;
    int room = 0;
  } sink;
  do {
    sink.room = at_a_time;
    auto r = dir.read_dir(sink.offset, sink);
    if (!r.ok()) {
      ADD_FAILURE() << "read_dir: " << errno_name(r.error());
      break;
    }
  } while (sink.room == 0);
  return sink.items;
}

inline std::string read_all(Inode& file, uint64_t offset = 0, size_t piece = 1 << 20) {
  std::string out, buffer(piece, 'x');
  for (;;) {
    IoCursor to = IoCursor::kernel(buffer.data(), buffer.size());
    auto r = file.read(to, offset + out.size());
    if (!r.ok()) {
      ADD_FAILURE() << "read: " << errno_name(r.error());
      return out;
    }
    if (*r == 0) return out;
    out.append(buffer, 0, *r);
  }
}

inline std::string host_content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void expect_same_attributes(Inode& inode, const struct stat& st, const std::string& path) {
  InodeAttr a;
  ASSERT_TRUE(inode.get_attr(a).ok());
  EXPECT_EQ(a.mode, st.st_mode) << path;
  EXPECT_EQ(inode.mode(), st.st_mode) << path;
  EXPECT_EQ(a.uid, st.st_uid) << path;
  EXPECT_EQ(a.gid, st.st_gid) << path;
  EXPECT_EQ(inode.owner().uid, st.st_uid) << path;
  EXPECT_EQ(a.mtime.sec, st.st_mtim.tv_sec) << path;
  EXPECT_EQ(inode.size(), a.size) << path;
  if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) {
    EXPECT_EQ(a.size, static_cast<uint64_t>(st.st_size)) << path;
  }
  if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
    EXPECT_EQ(a.nlink, st.st_nlink) << path;
  }
  if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
    EXPECT_EQ(a.rdev, st.st_rdev) << path;
  }
}

struct TreeHow {
  bool has_types = true;  // entries tell their type
  bool is_root = true;
};

// Names, types, attributes, contents and link targets of a directory and all below it.
inline void expect_same_tree(Inode& dir, const std::string& path, TreeHow how = {}) {
  auto items = list_dir(dir);
  EXPECT_EQ(items[".."].type, how.has_types ? uint8_t{DT_DIR} : 0) << path;
  EXPECT_EQ(items["."].ino, dir.ino()) << path;
  items.erase(".");
  items.erase("..");
  if (how.is_root) items.erase("lost+found");

  std::set<std::string> names;
  DIR* d = opendir(path.c_str());
  while (dirent* e = readdir(d))
    if (std::string n = e->d_name; n != "." && n != "..") names.insert(n);
  closedir(d);

  for (auto& [name, item] : items) EXPECT_TRUE(names.count(name)) << path << "/" << name << " is too many";
  for (const std::string& name : names) {
    std::string child = path + "/" + name;
    ASSERT_TRUE(items.count(name)) << child << " is missing";
    auto r = dir.lookup(name);
    ASSERT_TRUE(r.ok()) << child << ": " << errno_name(r.error());
    Ref<Inode> inode = r.take();
    EXPECT_EQ(inode->ino(), items[name].ino) << child;
    struct stat st;
    ASSERT_EQ(lstat(child.c_str(), &st), 0);
    EXPECT_EQ(items[name].type, how.has_types ? IFTODT(st.st_mode) : 0) << child;
    expect_same_attributes(*inode, st, child);
    if (S_ISREG(st.st_mode)) {
      std::string want = host_content(child), got = read_all(*inode);
      EXPECT_TRUE(want == got) << child << ": contents differ, " << got.size() << " for " << want.size()
                               << " bytes";
    } else if (S_ISLNK(st.st_mode)) {
      char target[PATH_MAX];
      ssize_t n = readlink(child.c_str(), target, sizeof target);
      auto link = inode->read_link();
      ASSERT_TRUE(link.ok()) << child;
      EXPECT_EQ(std::string(link->view()), std::string(target, static_cast<size_t>(n))) << child;
    } else if (S_ISDIR(st.st_mode)) {
      expect_same_tree(*inode, child, {how.has_types, false});
    }
  }
  auto absent = dir.lookup("no such name");
  EXPECT_FALSE(absent.ok());
  EXPECT_EQ(absent.error(), Errno::ENOENT);
}

}  // namespace lodge::ext4
