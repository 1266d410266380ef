// --strace: one call of a traced task, from the dispatcher. See README.md.
#pragma once
#include <cstdint>

#include "syscalls/strace/calls.h"
#include "syscalls/table.h"

namespace lodge {

class Task;

namespace strace {

// A call in progress, on the stack of its task; Task::traced_call points to it, so that the end of the task
// and a successful exec can close its line.
class TracedCall {
 public:
  TracedCall(Task& task, unsigned number, const uint64_t* args);  // the line begins
  ~TracedCall();
  TracedCall(const TracedCall&) = delete;
  void returned(const Result<SyscallReturn>& r);
  void replaced();   // by the new program: execve succeeded, and does not return
  void abandoned();  // the task ends in the call

 private:
  void end(std::string_view rest, std::string_view result);

  Task& task_;
  const unsigned number_;
  const SyscallRow& row_;
  const CallFormat& format_;
  uint64_t args_[6];
  unsigned next_ = 0;       // the argument to go on with
  bool any_ = false;        // one was printed
  bool continues_ = false;  // what separates the next from those before it stands already
  bool open_ = false;
};

// A number that no system call of Linux has: always ENOSYS.
void print_unknown_call(Task& task, uint64_t number, const uint64_t* args);

}  // namespace strace
}  // namespace lodge
