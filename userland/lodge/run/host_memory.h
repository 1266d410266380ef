// A memory file mapped here, unmapped when it goes.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/mailbox/mailbox.h"
#include "userland/lodge/file_descriptor.h"

namespace lodge {

// memfd_create with the size set; sealed against a change of size if asked.
enum class Sealing { kOpen, kFixedSize };
FileDescriptor make_memory_file(const char* name, uint64_t size, Sealing sealing);

class MappedMailbox {
 public:
  explicit MappedMailbox(const FileDescriptor& fd);
  ~MappedMailbox();
  MappedMailbox(const MappedMailbox&) = delete;
  mailbox::Mailbox& operator*() const { return *box_; }
  mailbox::Mailbox* operator->() const { return box_; }

 private:
  mailbox::Mailbox* box_;
};

}  // namespace lodge
