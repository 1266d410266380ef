#include "userland/lodge/debug/arena_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/mailbox/mailbox.h"  // the address map
#include "userland/lodge/failure.h"

namespace lodge {

ArenaReader::ArenaReader(int fd) : fd_(fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) throw host_failure("cannot look at the arena", errno);
  size_ = static_cast<uint64_t>(st.st_size);
}

uint64_t ArenaReader::begin() const {
  return kArenaBase;
}

bool ArenaReader::read(uint64_t address, void* to, size_t n) const {
  if (address < begin() || n > size_ || address - begin() > size_ - n) return false;
  return pread(fd_, to, n, static_cast<off_t>(address - begin())) == static_cast<ssize_t>(n);
}

uint64_t ArenaReader::next_data(uint64_t address) const {
  off_t at = lseek(fd_, static_cast<off_t>(address - begin()), SEEK_DATA);
  return at < 0 ? end() : begin() + static_cast<uint64_t>(at);
}

}  // namespace lodge
