// Rows: paths, files on the disk image, and making and removing names on a tmpfs.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "bench.h"

using namespace bench;

namespace {

constexpr uint64_t kDataMask = (1 << 20) - 1;

void stat_loop(Loop& loop, const char* path) {
  struct stat st;
  for (uint64_t n = loop.n; n > 0; n--) need(stat(path, &st) == 0, path);
}

void open_close_loop(uint64_t n, const char* path) {
  for (; n > 0; n--) {
    int fd = open(path, O_RDONLY);
    need(fd >= 0, path);
    close(fd);
  }
}

void pread_loop(uint64_t n, size_t size) {
  uint64_t offset = 0;
  for (; n > 0; n--) {
    need(pread(env.data, buffer, size, offset) == static_cast<ssize_t>(size), "pread");
    offset = (offset + size) & kDataMask;
  }
}

int work_file(const char* name, size_t size) {
  std::string path = env.work + "/" + name;
  int fd = open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0644);
  need(fd >= 0 && unlink(path.c_str()) == 0, "work file");
  need(ftruncate(fd, size) == 0 && pwrite(fd, buffer, size, 0) == static_cast<ssize_t>(size), "work file");
  return fd;
}

// Opens, lists and stats everything below, as find does.
uint64_t walk(int parent, const char* name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  need(fd >= 0, name);
  struct Entry {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
  };
  alignas(8) char entries[32768];
  uint64_t count = 0;
  long size;
  while ((size = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
    for (long at = 0; at < size;) {
      auto* entry = reinterpret_cast<Entry*>(entries + at);
      at += entry->reclen;
      if (entry->name[0] == '.') continue;
      struct stat st;
      need(fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0, entry->name);
      count++;
      if (S_ISDIR(st.st_mode)) count += walk(fd, entry->name);
    }
  }
  need(size == 0, "getdents64");
  close(fd);
  return count;
}

}  // namespace

BENCH_ROW(stat_d1) {
  stat_loop(loop, "f");
}

BENCH_ROW(stat_d4) {
  stat_loop(loop, "a/b/c/f");
}

BENCH_ROW(stat_d8) {
  stat_loop(loop, "a/b/c/d/e/f/g/h");
}

BENCH_ROW(stat_d16) {
  stat_loop(loop, "a/b/c/d/e/f/g/deep/a/b/c/d/e/f/g/h");
}

BENCH_ROW(stat_absent) {
  struct stat st;
  for (uint64_t n = loop.n; n > 0; n--) need(stat("a/b/c/none", &st) == -1, "stat");
}

BENCH_ROW(stat_root) {
  stat_loop(loop, "/proc");
}

BENCH_ROW(open_close) {
  open_close_loop(loop.n, "a/b/c/f");
}

BENCH_ROW(open_close_4threads) {
  uint64_t n = loop.n;
  pthread_t threads[4];
  auto body = [](void* arg) -> void* {
    open_close_loop(*static_cast<uint64_t*>(arg), "a/b/c/f");
    return nullptr;
  };
  for (pthread_t& thread : threads) need(pthread_create(&thread, nullptr, body, &n) == 0, "thread");
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

BENCH_ROW(open_rd4k_close) {
  for (uint64_t n = loop.n; n > 0; n--) {
    int fd = open("a/b/c/f", O_RDONLY);
    need(fd >= 0 && read(fd, buffer, 4096) == 4096, "read");
    close(fd);
  }
}

BENCH_ROW(pread4k) {
  pread_loop(loop.n, 4096);
}

BENCH_ROW(pread64k) {
  pread_loop(loop.n, 65536);
}

BENCH_ROW(pread1m) {
  pread_loop(loop.n, 1 << 20);
}

BENCH_ROW(pread4k_tmpfs) {
  int fd = work_file("data", 1 << 20);
  uint64_t offset = 0;
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) {
    need(pread(fd, buffer, 4096, offset) == 4096, "pread");
    offset = (offset + 4096) & kDataMask;
  }
  loop.stop();
  close(fd);
}

BENCH_ROW(pwrite4k) {
  int fd = work_file("data", 1 << 20);
  uint64_t offset = 0;
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) {
    need(pwrite(fd, buffer, 4096, offset) == 4096, "pwrite");
    offset = (offset + 4096) & kDataMask;
  }
  loop.stop();
  close(fd);
}

BENCH_ROW(readdir_103) {
  for (uint64_t n = loop.n; n > 0; n--) {
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    need(fd >= 0, "open");
    alignas(8) char entries[8192];
    while (syscall(SYS_getdents64, fd, entries, sizeof entries) > 0) {
    }
    close(fd);
  }
}

// One operation is a walk over the whole tree.
BENCH_ROW(walk_tree) {
  for (uint64_t n = loop.n; n > 0; n--) need(walk(AT_FDCWD, ".") > 5000, "walk");
}

// The same by busybox's find: with its fork, exec and output.
BENCH_ROW(find_tree) {
  for (uint64_t n = loop.n; n > 0; n--) {
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
      dup2(env.null, 1);
      for (const char* path : {"/bin/busybox", "/usr/bin/busybox"}) execl(path, "find", ".", nullptr);
      _exit(127);
    }
    int status = 0;
    need(waitpid(child, &status, 0) == child && status == 0, "find");
  }
}

BENCH_ROW(mkdir_rmdir) {
  std::string path = env.work + "/dir";
  for (uint64_t n = loop.n; n > 0; n--) {
    need(mkdir(path.c_str(), 0755) == 0, "mkdir");
    need(rmdir(path.c_str()) == 0, "rmdir");
  }
}

BENCH_ROW(creat_unlink) {
  std::string path = env.work + "/file";
  for (uint64_t n = loop.n; n > 0; n--) {
    int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_EXCL, 0644);
    need(fd >= 0, "creat");
    close(fd);
    need(unlink(path.c_str()) == 0, "unlink");
  }
}

// The same where a thousand others stand.
BENCH_ROW(creat_unlink_1000) {
  std::string folder = env.work + "/many";
  auto name = [&](int i) { return folder + "/" + std::to_string(i); };
  need(mkdir(folder.c_str(), 0755) == 0, "mkdir");
  for (int i = 0; i < 1000; i++) close(open(name(i).c_str(), O_CREAT | O_WRONLY, 0644));
  std::string path = folder + "/file";
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) {
    int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_EXCL, 0644);
    need(fd >= 0, "creat");
    close(fd);
    need(unlink(path.c_str()) == 0, "unlink");
  }
  loop.stop();
  for (int i = 0; i < 1000; i++) unlink(name(i).c_str());
  rmdir(folder.c_str());
}

BENCH_ROW(rename) {
  std::string one = env.work + "/one", two = env.work + "/two";
  close(open(one.c_str(), O_CREAT | O_WRONLY, 0644));
  loop.start();
  for (uint64_t n = loop.n; n > 0; n--) {
    need(rename(one.c_str(), two.c_str()) == 0, "rename");
    std::swap(one, two);
  }
  loop.stop();
  unlink(one.c_str());
}
