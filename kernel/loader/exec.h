// execve(2): from a path to a new program in the calling task.
//
// In two halves. prepare: everything that can fail with an errno (open, permissions, interpreter chain,
// headers, argument strings copied into the arena). Then the point of no return: the other threads go, the
// memory goes (or the task moves to a fresh host process if others share its memory), and what fails from
// there on is a SIGKILL or SIGSEGV.
#pragma once
#include <span>
#include <string_view>

#include "kernel/base/arena.h"
#include "kernel/base/result.h"
#include "kernel/base/string.h"
#include "kernel/file/file.h"
#include "kernel/loader/elf.h"
#include "kernel/task/task.h"

namespace lodge {

// The argument and environment strings, NUL-terminated one behind the other: what goes to the top of the new
// stack.
class ExecStrings {
 public:
  static constexpr size_t kMaxTotal = 2 << 20;     // a quarter of the default stack, as Linux has it
  static constexpr size_t kMaxString = 128 << 10;  // MAX_ARG_STRLEN

  ~ExecStrings() { arena_free(data_); }
  Result<void> add(std::string_view s);
  Result<void> add_from_user(UserAddr s);
  // The pointers of a guest's argv or envp; null is an empty list. Returns their number.
  Result<uint32_t> add_list(UserAddr list);
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  void swap(ExecStrings& o);
  uint32_t count = 0;

 private:
  Result<void> grow(size_t needed);
  char* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

struct ExecRequest {
  static constexpr bool kHot = true;
  ExecStrings argv, envp;
  String path;             // as named, for AT_EXECFN and comm
  bool path_goes = false;  // it names a descriptor that is closed by then: no interpreter could open it
  RefPtr<File> file;       // opened for execution
  RefPtr<Cred> cred;       // of the new program
  bool secure = false;     // AT_SECURE: it has rights that its caller had not
  ElfProgram program, interpreter;
  RefPtr<File> interpreter_file;
};

// Opens for execution: a regular file with x permission on a mount without noexec.
Result<Ref<File>> open_exec(Task& task, int dirfd, std::string_view path, uint32_t at_flags);
// Fills file, program and interpreter, following `#!` lines, which insert into argv.
Result<void> prepare_exec(Task& task, ExecRequest& r);
// Fills cred and secure: what set-user-ID, set-group-ID and file capabilities make of the task's credentials.
// EPERM if the file must have more than the caller's bounding set gives.
Result<void> prepare_credentials(Task& task, ExecRequest& r);
// Past the point of no return. Takes the request over. Returns in place with the registers set, or goes on in
// another host process.
void commit_exec(Task& task, ExecRequest* r);

}  // namespace lodge
