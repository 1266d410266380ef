// pidfd: a file that stands for a process (pidfd_open(2)). Readable once the process has ended, reaped or
// not.
#pragma once
#include "kernel/base/ref.h"
#include "kernel/base/result.h"
#include "kernel/file/file.h"
#include "kernel/task/process.h"

namespace lodge {

class PidFile final : public File {
 public:
  PidFile(Ref<Process> p, uint32_t flags);
  Process& process() { return *process_; }
  bool pollable() const override { return true; }
  PollEvents poll(PollTable* table) override;
  void describe(Formatter& out) const override;
  void show_info(Formatter& out) override;
  static constexpr FileKind kKind = FileKind::kPidFd;
  FileKind kind() const override { return kKind; }

 private:
  Ref<Process> process_;
};

Result<Ref<File>> make_pidfd(Process& p, uint32_t flags);  // O_NONBLOCK or nothing
// The process of a pidfd; null for any other file.
Process* process_of_pidfd(File& f);

}  // namespace lodge
