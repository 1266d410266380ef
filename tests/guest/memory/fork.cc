// Copy on write over fork, process_vm_readv, and /proc/self/maps, which has to agree with what is mapped.
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

constexpr long kPage = 4096;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

struct Region {
  unsigned long start, end, offset, inode;
  std::string rights, name;
};

std::vector<Region> regions() {
  std::vector<Region> all;
  std::string text = read_file("/proc/self/maps");
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    Region region = {};
    char rights[8] = {};
    unsigned major, minor;
    int name_at = 0;
    int fields = sscanf(line.c_str(), "%lx-%lx %7s %lx %x:%x %lu %n", &region.start, &region.end, rights,
                        &region.offset, &major, &minor, &region.inode, &name_at);
    CHECK_EQ(fields, 7);
    region.rights = rights;
    region.name = line.substr(name_at);
    CHECK(region.start < region.end);
    CHECK(all.empty() || all.back().end <= region.start);
    all.push_back(region);
    at = end + 1;
  }
  return all;
}

const Region* find(const std::vector<Region>& all, const void* p) {
  auto address = reinterpret_cast<unsigned long>(p);
  for (const Region& region : all) {
    if (region.start <= address && address < region.end) return &region;
  }
  return nullptr;
}

void some_code() {}

char* map(size_t pages, int protection, int flags = kPrivate) {
  void* p = mmap(nullptr, pages * kPage, protection, flags, -1, 0);
  REQUIRE(p != MAP_FAILED);
  return static_cast<char*>(p);
}

}  // namespace

TEST(cow_both_ways) {
  char* p = map(64, PROT_READ | PROT_WRITE);
  memset(p, 'o', 64 * kPage);
  int to_child[2], to_parent[2];
  REQUIRE(pipe(to_child) == 0 && pipe(to_parent) == 0);
  char c;
  pid_t child = start_child([&] {
    for (int i = 0; i < 32; i++) p[i * kPage] = 'c';
    REQUIRE(write(to_parent[1], "x", 1) == 1 && read(to_child[0], &c, 1) == 1);
    for (int i = 0; i < 64; i++) CHECK_EQ(p[i * kPage], i < 32 ? 'c' : 'o');
  });
  REQUIRE(read(to_parent[0], &c, 1) == 1);
  for (int i = 0; i < 64; i++) CHECK_EQ(p[i * kPage], 'o');
  for (int i = 0; i < 64; i++) p[i * kPage] = 'p';
  REQUIRE(write(to_child[1], "x", 1) == 1);
  CHECK_EQ(wait_child(child), 0);
}

TEST(cow_by_the_kernels_own_writes) {
  // read() into a page that is shared with the child copies it like a store does.
  char* p = map(1, PROT_READ | PROT_WRITE);
  p[0] = 'o';
  int fd = make_file("f", "n");
  in_child([&] {
    OK(read, fd, p, 1);
    CHECK_EQ(p[0], 'n');
  });
  CHECK_EQ(p[0], 'o');
}

TEST(cow_of_data_bss_and_stack) {
  static int data = 1;
  static int bss[5000];
  int stack = 1;
  in_child([&] { data = bss[4000] = stack = 2; });
  CHECK_EQ(data + bss[4000] + stack, 2);
}

TEST(cow_chain_of_forks) {
  char* p = map(1, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 10; i++) {
    *p = static_cast<char>(i);
    CHECK_EQ(in_child([&] {
               CHECK_EQ(*p, i);
               CHECK_EQ(in_child([&] { *p = 100; }), 0);
               CHECK_EQ(*p, i);
             }),
             0);
    CHECK_EQ(*p, i);
  }
}

TEST(process_vm_copies) {
  char text[16] = "parent's";
  pid_t child = start_child([&] {
    snprintf(text, sizeof text, "child's");
    for (;;) pause();
  });
  char got[16] = {};
  iovec local = {got, sizeof got}, remote = {text, sizeof text};
  CHECK(eventually([&] {
    return SYS(process_vm_readv, child, &local, 1, &remote, 1, 0) == 16 && std::string(got) == "child's";
  }));
  cover("process_vm_readv", 0);
  snprintf(got, sizeof got, "changed");
  CHECK_EQ(OK(process_vm_writev, child, &local, 1, &remote, 1, 0), 16);
  memset(got, 0, sizeof got);
  OK(process_vm_readv, child, &local, 1, &remote, 1, 0);
  CHECK_EQ(std::string(got), std::string("changed"));
  CHECK_EQ(std::string(text), std::string("parent's"));
  remote.iov_base = kBadPointer;
  FAILS(EFAULT, process_vm_readv, child, &local, 1, &remote, 1, 0);
  FAILS(EINVAL, process_vm_readv, child, &local, 1, &remote, 1, 1);
  FAILS(ESRCH, process_vm_readv, 0x3ffffff, &local, 1, &remote, 1, 0);
  // Pieces need not fit each other; what cannot be read ends it.
  char front[3], back[5];
  iovec pieces[] = {{front, sizeof front}, {back, sizeof back}};
  iovec theirs[] = {{text, 4}, {text + 4, 2}, {kBadPointer, 2}};
  CHECK_EQ(OK(process_vm_readv, child, pieces, 2, theirs, 3, 0), 6);
  CHECK_EQ(std::string(front, 3) + std::string(back, 3), std::string("change"));
  CHECK_EQ(OK(process_vm_readv, child, pieces, 0, theirs, 3, 0), 0);
  FAILS(EINVAL, process_vm_readv, child, pieces, 1025, theirs, 1, 0);
  FAILS(EFAULT, process_vm_readv, child, kBadPointer, 1, theirs, 1, 0);
  as_nobody([&] { FAILS(EPERM, process_vm_readv, child, &local, 1, theirs, 1, 0); });
  kill(child, SIGKILL);
}

TEST(maps_show_what_is_mapped) {
  char path[4096];
  REQUIRE(getcwd(path, sizeof path) != nullptr);
  int fd = make_file("f", std::string(4 * kPage, 'x'));
  struct stat st;
  REQUIRE(fstat(fd, &st) == 0);
  char* anonymous = map(3, PROT_READ);
  char* shared = map(2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  void* file = mmap(nullptr, 2 * kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, kPage);
  REQUIRE(file != MAP_FAILED);
  int local;
  auto all = regions();

  const Region* region = find(all, anonymous);
  REQUIRE(region != nullptr);
  CHECK_EQ(region->rights, std::string("r--p"));
  CHECK_EQ(region->inode, 0u);
  region = find(all, shared);
  REQUIRE(region != nullptr);
  CHECK_EQ(region->rights, std::string("rw-s"));
  region = find(all, file);
  REQUIRE(region != nullptr);
  CHECK_EQ(region->rights, std::string("r-xp"));
  CHECK_EQ(region->offset, static_cast<unsigned long>(kPage));
  CHECK_EQ(region->end - region->start, 2ul * kPage);
  CHECK_EQ(region->name, std::string(path) + "/f");
  CHECK_EQ(region->inode, st.st_ino);
  region = find(all, &local);
  REQUIRE(region != nullptr);
  CHECK_EQ(region->name, std::string("[stack]"));
  region = find(all, reinterpret_cast<void*>(SYS(brk, 0) - 1));
  REQUIRE(region != nullptr);
  CHECK_EQ(region->name, std::string("[heap]"));
  region = find(all, reinterpret_cast<void*>(&some_code));
  REQUIRE(region != nullptr);
  CHECK_EQ(region->rights, std::string("r-xp"));
}

TEST(maps_follow_changes) {
  char* p = map(9, PROT_READ | PROT_WRITE);
  REQUIRE(mprotect(p + 3 * kPage, 3 * kPage, PROT_NONE) == 0);
  auto all = regions();
  const Region* middle = find(all, p + 3 * kPage);
  REQUIRE(middle != nullptr);
  CHECK_EQ(middle->rights, std::string("---p"));
  CHECK_EQ(middle->start, reinterpret_cast<unsigned long>(p + 3 * kPage));
  CHECK_EQ(middle->end, reinterpret_cast<unsigned long>(p + 6 * kPage));
  // Neighbours that have become alike are one again.
  REQUIRE(mprotect(p + 3 * kPage, 3 * kPage, PROT_READ | PROT_WRITE) == 0);
  all = regions();
  const Region* whole = find(all, p);
  CHECK(whole != nullptr && whole == find(all, p + 8 * kPage));
  REQUIRE(munmap(p + kPage, kPage) == 0);
  all = regions();
  CHECK(find(all, p + kPage) == nullptr);
  CHECK(find(all, p + 2 * kPage) != nullptr);
}

TEST(statm_and_status_agree) {
  long before, after;
  REQUIRE(sscanf(read_file("/proc/self/statm").c_str(), "%ld", &before) == 1);
  map(1000, PROT_READ);
  REQUIRE(sscanf(read_file("/proc/self/statm").c_str(), "%ld", &after) == 1);
  CHECK(after >= before + 1000 && after < before + 1200);
}
