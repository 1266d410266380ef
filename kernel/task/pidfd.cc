#include "kernel/task/pidfd.h"

#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "kernel/file/anon_inode.h"

namespace lodge {

PidFile::PidFile(Ref<Process> p, uint32_t flags) : File(anon_inode(), flags), process_(std::move(p)) {}

PollEvents PidFile::poll(PollTable* table) {
  if (table) table->add(process_->end_waiters);
  MutexLock tree(tasks().lock);
  return process_->zombie ? kPollIn | kPollRdNorm : 0;
}

void PidFile::describe(Formatter& out) const {
  out.put("anon_inode:[pidfd]");
}

void PidFile::show_info(Formatter& out) {
  MutexLock tree(tasks().lock);
  bool there = tasks().next_process_locked(process_->pid) == &*process_;
  int pid = there ? process_->pid : -1;
  format(out, "Pid:\t{}\nNSpid:\t{}\n", pid, pid);
}

Result<Ref<File>> make_pidfd(Process& p, uint32_t flags) {
  return Ref<File>(TRY(make<PidFile>(Ref<Process>(p), abi::kORdwr | flags)));
}

Process* process_of_pidfd(File& f) {
  auto* pidfd = file_cast<PidFile>(f);
  return pidfd ? &pidfd->process() : nullptr;
}

}  // namespace lodge
