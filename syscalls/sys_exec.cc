#include "syscalls/sys_exec.h"

#include <algorithm>

#include "kernel/abi/fcntl.h"
#include "kernel/base/format.h"
#include "kernel/loader/exec.h"
#include "kernel/task/process.h"
#include "kernel/task/task.h"
#include "syscalls/fs_args.h"

namespace lodge {

namespace {

// execve(2), "Limits on size of arguments and environment": a quarter of the stack's limit, for the strings
// and the pointers to them.
Result<void> check_size(Task& task, const ExecRequest& r) {
  constexpr uint64_t kLeast = 128 << 10, kMost = 6 << 20;
  uint64_t limit = std::clamp(task.process().limit(Limit::kStack) / 4, kLeast, kMost);
  uint64_t pointers = (uint64_t{r.argv.count} + r.envp.count) * sizeof(uint64_t);
  uint64_t strings = r.path.view().size() + 1 + r.argv.size() + r.envp.size();
  if (pointers + strings > limit) return Errno::E2BIG;
  return {};
}

Result<SyscallReturn> exec(Task& task, int dirfd, UserString path, ExecArgs argv, ExecArgs envp,
                           uint32_t flags) {
  if (flags & ~(abi::kAtEmptyPath | abi::kAtSymlinkNofollow)) return Errno::EINVAL;
  auto request = TRY(make_unique<ExecRequest>());
  PathArg name;
  std::string_view text = TRY(name.read(path));
  // What execve(2) calls the file where only a descriptor names it.
  if (dirfd != abi::kAtFdcwd && !has_prefix(text, "/")) {
    Formatter out(request->path);
    format(out, "/dev/fd/{}", dirfd);
    if (!text.empty()) format(out, "/{}", text);
    if (out.truncated()) return Errno::ENOMEM;
    request->path_goes = TRY(task.fds().cloexec(dirfd));
  } else {
    TRY(request->path.append(text));
  }
  request->file = TRY(open_exec(task, dirfd, text, flags));
  TRY(request->argv.add_list(argv.addr));
  if (request->argv.count == 0) TRY(request->argv.add(""));
  TRY(request->envp.add_list(envp.addr));
  TRY(check_size(task, *request));
  TRY(prepare_exec(task, *request));
  commit_exec(task, request.release());
  return SyscallReturn::registers_set();
}

}  // namespace

Result<SyscallReturn> sys_execve(Task& task, UserString path, ExecArgv argv, ExecEnvp envp) {
  return exec(task, abi::kAtFdcwd, path, argv, envp, 0);
}

Result<SyscallReturn> sys_execveat(Task& task, DirFd dir, UserString path, ExecArgv argv, ExecEnvp envp,
                                   AtFlags flags) {
  return exec(task, dir.v, path, argv, envp, flags.bits);
}

}  // namespace lodge
