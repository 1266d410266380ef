// memfd_create and its seals.
#include <linux/memfd.h>
#include <sys/mman.h>

#include "harness/util.h"

using namespace guest;

TEST(memfd_is_a_file) {
  int fd = OK(memfd_create, "name", 0);
  struct stat st;
  CHECK_OK(fstat, fstat(fd, &st));
  CHECK_EQ(st.st_size, 0);
  CHECK(S_ISREG(st.st_mode));
  CHECK_EQ(st.st_mode & 0777, 0777u);
  CHECK_EQ(OK(write, fd, "abc", 3), 3);
  CHECK_EQ(OK(fcntl, fd, F_GETFD), 0);
  CHECK_EQ(OK(fcntl, (int)OK(memfd_create, "", MFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
  char link[64] = {};
  OK(readlink, ("/proc/self/fd/" + std::to_string(fd)).c_str(), link, sizeof link - 1);
  CHECK_EQ(std::string(link), std::string("/memfd:name (deleted)"));
  char* map = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  REQUIRE(map != MAP_FAILED);
  CHECK_EQ(map[1], 'b');
  map[1] = 'X';
  char text[4] = {};
  OK(pread64, fd, text, 3, 0);
  CHECK_EQ(std::string(text), std::string("aXc"));
}

TEST(memfd_errnos) {
  FAILS(EFAULT, memfd_create, kBadPointer, 0);
  FAILS(EINVAL, memfd_create, "x", 0x4000);
  FAILS(EINVAL, memfd_create, std::string(250, 'n').c_str(), 0);
  OK(memfd_create, std::string(249, 'n').c_str(), 0);
  rlimit limit = {5, 5};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  while (SYS(memfd_create, "x", 0) >= 0) {
  }
  FAILS(EMFILE, memfd_create, "x", 0);
}

TEST(memfd_seals) {
  int fd = OK(memfd_create, "x", MFD_ALLOW_SEALING);
  CHECK_EQ(OK(fcntl, fd, F_GET_SEALS), 0);
  OK(ftruncate, fd, 8192);
  OK(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK);
  FAILS(EPERM, ftruncate, fd, 4096);
  OK(ftruncate, fd, 12288);
  OK(fcntl, fd, F_ADD_SEALS, F_SEAL_GROW);
  FAILS(EPERM, ftruncate, fd, 16384);
  FAILS(EPERM, fallocate, fd, 0, 0, 20000);
  CHECK_EQ(OK(pwrite64, fd, "x", 1, 100), 1);
  FAILS(EPERM, pwrite64, fd, "x", 1, 12288);
  CHECK_EQ(OK(fcntl, fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);

  void* map = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  REQUIRE(map != MAP_FAILED);
  FAILS(EBUSY, fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
  REQUIRE(munmap(map, 4096) == 0);
  OK(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
  FAILS(EPERM, write, fd, "x", 1);
  FAILS(EPERM, mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  OK(mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

  OK(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL);
  FAILS(EPERM, fcntl, fd, F_ADD_SEALS, F_SEAL_GROW);
}

TEST(memfd_sealing_not_allowed) {
  int fd = OK(memfd_create, "x", 0);
  CHECK_EQ(OK(fcntl, fd, F_GET_SEALS), F_SEAL_SEAL);
  FAILS(EPERM, fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
  FAILS(EINVAL, fcntl, (int)OK(memfd_create, "y", MFD_ALLOW_SEALING), F_ADD_SEALS, 0x1000);
  int pipes[2];
  OK(pipe, pipes);
  FAILS(EINVAL, fcntl, pipes[1], F_ADD_SEALS, F_SEAL_WRITE);
  FAILS(EINVAL, fcntl, pipes[1], F_GET_SEALS);
}
