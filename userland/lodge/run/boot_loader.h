// The boot loader: makes what a VPS is made of (memory files, image, boot information) and the zygote, a
// forked process that maps the kernel at its address, gives up everything else and jumps into it. See docs of
// kernel/platform/direct.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/run.h"
#include "userland/lodge/run/host_memory.h"

namespace lodge {

struct Vps {
  FileDescriptor arena, mailbox_file, pages;
  std::vector<FileDescriptor> images;
  std::string kernel_path;
  uint64_t memory_bytes;      // that the VPS may have
  uint64_t largest_file = 0;  // bytes: no file that the VPS holds is to grow beyond it
  FileDescriptor kernel;  // the same file, for who looks into the VPS when another build has taken its place
  std::vector<int> host_cpus;  // of virtual CPU 0, 1, …
};

// Everything that can be refused, before the zygote is forked. Throws Failure.
Vps prepare_vps(const RunOptions& options, bool terminal, MappedMailbox*& mailbox_out);

// Forks the zygote. Returns its pid.
pid_t start_zygote(const Vps& vps, MappedMailbox& mailbox);

}  // namespace lodge
