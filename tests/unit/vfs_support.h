// A small kernel for the tests of the file tree: an arena, a page file, the VFS with a tmpfs at "/". Included
// by one source per program.
#pragma once
#pragma GCC diagnostic ignored "-Wrestrict"  // g++ 12 warns about "x" + std::string (its PR105651)
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel/base/kernel.h"
#include "kernel/file/device_registry.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/hosted/arena_scope.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/page_file.h"
#include "vfs/core/attr.h"
#include "vfs/core/d_path.h"
#include "vfs/core/name_ops.h"
#include "vfs/core/open.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {

// The page file's descriptor number is fixed in every kernel process, so in the test too.
inline void make_page_file_fd() {
  int fd = memfd_create("pages", MFD_CLOEXEC);
  int wanted = static_cast<int>(host::HostFile::kPages);
  if (fd != wanted) {
    dup2(fd, wanted);
    close(fd);
  }
  ASSERT_EQ(ftruncate(wanted, 1l << 40), 0);
}

class VfsTest : public testing::Test {
 protected:
  static constexpr uint64_t kMemory = 64 << 20;

  VfsTest() {
    make_page_file_fd();
    scope.arena().set_kernel(&kernel);
    pages.emplace(uint64_t{1} << 40);
    kernel.set_part(*pages);
    mm.emplace(*pages, kMemory);
    kernel.set_part(*mm);
    kernel.set_part(devices);
    Result<Vfs*> made = vfs_init({.dentry_buckets = 256, .max_unused_dentries = 200});
    EXPECT_TRUE(made.ok());
    vfs = *made;
    register_tmpfs(*vfs);
    EXPECT_TRUE(vfs->mount_root(make_root_superblock(), 0, "none").ok());
    Path root = vfs->mounts().root();
    fs = make<FsContext>(root, root, 022u).take();
    fds = make<FdTable>().take();
    cred = make<Cred>().take();
  }
  ~VfsTest() override {
    fds.reset();
    fs.reset();
    cred.reset();
    scope.arena().set_kernel(nullptr);
  }
  virtual Ref<Superblock> make_root_superblock() {
    return Ref<Superblock>(TmpfsSuperblock::create({.max_pages = 1024, .mode = 0755}).take());
  }

  PathContext ctx() { return {*fs, *fds, *cred}; }
  static PathAt at(std::string_view name) { return {abi::kAtFdcwd, name}; }
  static Errno errno_of(const Result<void>& r) { return r.ok() ? Errno{} : r.error(); }
  template <typename T>
  static Errno errno_of(const Result<T>& r) {
    return r.ok() ? Errno{} : r.error();
  }

  Errno mkdir(std::string_view name, uint32_t mode = 0777) {
    return errno_of(make_directory(ctx(), at(name), mode));
  }
  Errno rmdir(std::string_view name) { return errno_of(remove_directory(ctx(), at(name))); }
  Errno unlink(std::string_view name) { return errno_of(remove_file(ctx(), at(name))); }
  Errno symlink(std::string_view target, std::string_view name) {
    return errno_of(make_symlink(ctx(), target, at(name)));
  }
  Errno link(std::string_view from, std::string_view to) {
    Result<Path> p = lookup(from, 0);
    if (!p.ok()) return p.error();
    return errno_of(make_link(ctx(), *p, at(to)));
  }
  Errno rename(std::string_view from, std::string_view to, uint32_t flags = 0) {
    return errno_of(rename_path(ctx(), at(from), at(to), flags));
  }
  Result<Path> lookup(std::string_view name, uint32_t flags = kFollow) {
    return lookup_path(ctx(), abi::kAtFdcwd, name, flags);
  }
  Errno find(std::string_view name, uint32_t flags = kFollow) { return errno_of(lookup(name, flags)); }
  Result<Ref<File>> open(std::string_view name, uint32_t flags, uint32_t mode = 0644) {
    return open_path_at(ctx(), abi::kAtFdcwd, name, {.flags = flags, .mode = mode});
  }
  Errno create(std::string_view name) {
    return errno_of(open(name, abi::kOCreat | abi::kOExcl | abi::kOWronly));
  }
  InodeAttr attr(std::string_view name, uint32_t flags = 0) {
    InodeAttr a;
    Result<Path> p = lookup(name, flags);
    EXPECT_TRUE(p.ok()) << name;
    EXPECT_TRUE(!p.ok() || p->dentry()->inode()->get_attr(a).ok());
    return a;
  }
  std::string path_text(const Path& p) {
    char buffer[8192];
    Formatter out(buffer);
    EXPECT_TRUE(put_path(out, p, vfs->mounts().root()).ok());
    return std::string(out.view());
  }
  static Result<size_t> write_at(File& f, std::string_view s, uint64_t offset) {
    IoCursor from = IoCursor::kernel(const_cast<char*>(s.data()), s.size());
    return f.write(from, offset);
  }
  static std::string read_at(File& f, size_t n, uint64_t offset) {
    std::string s(n, '?');
    IoCursor to = IoCursor::kernel(s.data(), n);
    Result<size_t> r = f.read(to, offset);
    if (!r.ok()) return std::string("!") + errno_name(r.error());
    s.resize(*r);
    return s;
  }
  Errno put_file(std::string_view name, std::string_view text) {
    Result<Ref<File>> f = open(name, abi::kOCreat | abi::kOTrunc | abi::kOWronly);
    if (!f.ok()) return f.error();
    return errno_of(write_at(**f, text, 0));
  }
  std::string get_file(std::string_view name) {
    Result<Ref<File>> f = open(name, abi::kORdonly);
    if (!f.ok()) return std::string("!") + errno_name(f.error());
    return read_at(**f, 1 << 20, 0);
  }
  std::vector<std::string> list(std::string_view name) {
    struct Names final : DirSink {
      std::vector<std::string> names;
      bool add(std::string_view n, uint64_t, uint8_t, uint64_t) override {
        if (n != "." && n != "..") names.emplace_back(n);
        return true;
      }
    } sink;
    Result<Ref<File>> f = open(name, abi::kORdonly | abi::kODirectory);
    EXPECT_TRUE(f.ok()) << name;
    EXPECT_TRUE(!f.ok() || (*f)->read_dir(sink).ok());
    std::sort(sink.names.begin(), sink.names.end());
    return sink.names;
  }
  void become(Uid uid, Gid gid) {
    cred = make<Cred>().take();
    cred->uid = cred->euid = cred->suid = cred->fsuid = uid;
    cred->gid = cred->egid = cred->sgid = cred->fsgid = gid;
    cred->effective = cred->permitted = uid == 0 ? kAllCaps : 0;
  }

  ArenaScope scope;
  Kernel kernel;
  std::optional<PageFile> pages;
  std::optional<MmSystem> mm;
  DeviceRegistry devices;
  Vfs* vfs = nullptr;
  RefPtr<FsContext> fs;
  RefPtr<FdTable> fds;
  RefPtr<Cred> cred;
};

}  // namespace lodge
