#include "userland/lodge/run/host_memory.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "userland/lodge/failure.h"

namespace lodge {

FileDescriptor make_memory_file(const char* name, uint64_t size, Sealing sealing) {
  FileDescriptor fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throw host_failure("memfd_create", errno);
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
    throw host_failure("cannot size a memory file (check `ulimit -f`)", errno);
  if (sealing == Sealing::kFixedSize &&
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    throw host_failure("cannot seal a memory file", errno);
  return fd;
}

MappedMailbox::MappedMailbox(const FileDescriptor& fd) {
  void* p = mmap(nullptr, mailbox::kMailboxSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (p == MAP_FAILED) throw host_failure("cannot map the mailbox", errno);
  box_ = static_cast<mailbox::Mailbox*>(p);
}

MappedMailbox::~MappedMailbox() {
  munmap(box_, mailbox::kMailboxSize);
}

}  // namespace lodge
