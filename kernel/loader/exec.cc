#include "kernel/loader/exec.h"

#include "kernel/abi/mman.h"
#include "kernel/base/layout.h"
#include "kernel/file/fd_table.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/host_state.h"
#include "kernel/loader/new_stack.h"
#include "kernel/sched/sched.h"
#include "kernel/task/exec_state.h"
#include "kernel/task/exit.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/task/task_random.h"
#include "kernel/task/trace_hook.h"
#include "vfs/core/open.h"
#include "vfs/core/permission.h"

namespace lodge {

Result<Ref<File>> open_exec(Task& task, int dirfd, std::string_view path, uint32_t at_flags) {
  PathContext ctx{task.fs(), task.fds(), task.cred()};
  uint32_t walk = at_flags & abi::kAtSymlinkNofollow ? 0u : static_cast<uint32_t>(kFollow);
  if (at_flags & abi::kAtEmptyPath) walk |= kEmptyOk;
  Path at = TRY(lookup_path(ctx, dirfd, path, walk));
  Inode& inode = *at.dentry()->inode();
  if (inode.is_symlink()) return Errno::ELOOP;
  if (!inode.is_regular()) return Errno::EACCES;
  if (at.mount()->flags() & abi::kMsNoexec) return Errno::EACCES;
  TRY(check_permission(inode, task.cred(), kExec));
  Ref<File> file = TRY(inode.open(abi::kORdonly));
  file->set_path(at);
  TRY(file->deny_writing());
  return file;
}

namespace {

// The `#!` line of a script: interpreter and at most one argument (execve(2), "Interpreter scripts").
struct Script {
  char line[256];
  std::string_view interpreter, argument;
};

Result<bool> read_script(File& file, Script& out) {
  IoCursor cursor = IoCursor::kernel(out.line, sizeof out.line - 1);
  size_t n = TRY(file.inode()->read(cursor, 0));
  out.line[n] = 0;
  if (n < 2 || out.line[0] != '#' || out.line[1] != '!') return false;
  size_t end = 2;
  while (end < n && out.line[end] != '\n') end++;
  if (end == n && n == sizeof out.line - 1) {
    // No newline within the limit: good only if the interpreter's name is whole.
    size_t i = 2;
    while (i < end && (out.line[i] == ' ' || out.line[i] == '\t')) i++;
    while (i < end && out.line[i] != ' ' && out.line[i] != '\t') i++;
    if (i == end) return Errno::ENOEXEC;
  }
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  std::string_view s(out.line + 2, end - 2);
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && (blank(s.back()) || s.back() == 0)) s.remove_suffix(1);
  if (s.empty()) return Errno::ENOEXEC;
  size_t name = 0;
  while (name < s.size() && !blank(s[name]) && s[name]) name++;
  out.interpreter = std::string_view(s.data(), name);
  s.remove_prefix(name);
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  out.argument = s;
  return true;
}

// argv of the interpreter: its name, its argument, the script's path, and the script's argv without the
// first.
Result<void> prepend_script(ExecRequest& r, const Script& script) {
  ExecStrings argv;
  TRY(argv.add(script.interpreter));
  if (!script.argument.empty()) TRY(argv.add(script.argument));
  TRY(argv.add(r.path.view()));
  const char* s = r.argv.data();
  for (uint32_t i = 0; i < r.argv.count; i++) {
    std::string_view one(s);
    if (i > 0) TRY(argv.add(one));
    s += one.size() + 1;
  }
  r.argv.swap(argv);
  return {};
}

}  // namespace

Result<void> prepare_exec(Task& task, ExecRequest& r) {
  constexpr int kMaxScripts = 5;
  for (int depth = 0;; depth++) {
    Script script;
    if (!TRY(read_script(*r.file, script))) break;
    if (depth == kMaxScripts) return Errno::ELOOP;
    if (depth == 0 && r.path_goes) return Errno::ENOENT;
    TRY(prepend_script(r, script));
    r.path.clear();
    TRY(r.path.append(script.interpreter));
    r.file = TRY(open_exec(task, abi::kAtFdcwd, script.interpreter, 0));
  }
  TRY(prepare_credentials(task, r));
  TRY(read_elf(*r.file, r.program));
  if (!r.program.interpreter.empty()) {
    r.interpreter_file = TRY(open_exec(task, abi::kAtFdcwd, r.program.interpreter.view(), 0));
    auto read = read_elf(*r.interpreter_file, r.interpreter);
    if (!read.ok()) return read.error() == Errno::ENOEXEC ? Errno::ELIBBAD : read.error();
  }
  return {};
}

namespace {

void set_comm(Task& task, std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  __builtin_memset(task.comm, 0, sizeof task.comm);
  for (size_t i = 0; i < path.size() && i < sizeof task.comm - 1; i++) task.comm[i] = path[i];
}

Result<void> build(Task& task, ExecRequest& r) {
  Mm& mm = task.mm();
  bool secure = r.secure;
  task.set_cred(Ref<Cred>(*r.cred));
  // A program that the user may not read, or that runs as another, shows nothing of itself (PR_SET_DUMPABLE,
  // prctl(2)).
  const Cred& cred = task.cred();
  task.process().dumpable =
      cred.uid == cred.euid && cred.gid == cred.egid && check_permission(*r.file->inode(), cred, kRead).ok();
  if (secure) task.pdeath_signal = 0;
  uint32_t stack_prot = abi::kProtRead | abi::kProtWrite | (r.program.executable_stack ? abi::kProtExec : 0);
  MappedElf program = TRY(map_elf(mm, Ref<File>(*r.file), r.program, ElfRole::kProgram));
  MappedElf interpreter;
  if (r.interpreter_file) {
    interpreter = TRY(map_elf(mm, Ref<File>(*r.interpreter_file), r.interpreter, ElfRole::kInterpreter));
    r.interpreter_file->allow_writing();  // mapped, it is a library like others
  }
  mm.set_heap(program.end);
  NewStack stack{r, program, interpreter, secure};
  uint64_t sp = TRY(build_stack(task, stack, stack_prot));

  TrapFrame& f = task.frame();
  f = {};
  f.orig_rax = TrapFrame::kNoSyscall;
  f.rip = r.interpreter_file ? interpreter.entry : program.entry;
  f.rsp = sp;
  f.cs = kUserCs;
  f.ss = kUserSs;
  f.rflags = kFlagIf | 2;
  reset_vector_state(task);
  write_fs_base(0);
  return {};
}

// With the new address space in place, in whatever host process the task is now.
void finish_exec(Task& task, ExecRequest* r) {
  Process& p = task.process();
  task.fds().close_on_exec();
  set_comm(task, r->path.view());
  auto built = reset_for_exec(task);
  if (built.ok()) built = build(task, *r);
  RefPtr<File> program = r->file;  // then the one before, which goes without the lock
  {
    MutexLock guard(p.limits_lock);
    std::swap(p.executable, program);
  }
  p.did_exec = true;
  if (!built.ok()) force_kill(task, abi::kSigKill);
  destroy(r);
}

void go_on_in_fresh_process(Task& task) {
  finish_exec(task, static_cast<ExecRequest*>(task.exec_request));
}

}  // namespace

void commit_exec(Task& task, ExecRequest* r) {
  if (auto alone = become_only_thread(task); !alone.ok()) {
    destroy(r);
    return;  // it is being killed; the exit path sees to it
  }
  if (task.traced) [[unlikely]]
    trace_exec(task);
  note_resident(task);
  leave_memory(task);
  // Descriptors shared with others are not closed under them.
  if (task.fds().ref_count() > 1)
    if (auto own = task.fds().copy(); own.ok()) {
      RefPtr<FdTable> table = own.take();  // then the shared one, which may go after all, without the lock
      MutexLock guard(task.share_lock);
      std::swap(task.fds_, table);
    }
  uint64_t seed = random_u64();
  if (!shares_memory(task)) {
    task.mm().reset(seed);
    release_vfork(task);
    finish_exec(task, r);
    return;
  }
  auto fresh = Mm::create(kernel_part<MmSystem>(), seed, task.mm().limits);
  if (!fresh.ok()) {
    destroy(r);
    force_kill(task, abi::kSigKill);
    return;
  }
  RefPtr<Mm> old;
  {
    MutexLock guard(task.share_lock);
    old = std::move(task.mm_);
    task.mm_ = fresh.take();
  }
  old.reset();
  task.exec_request = r;
  // The parent may go on once we are out of its memory: our stack is the kernel's, so now.
  release_vfork(task);
  move_to_fresh_process(task, go_on_in_fresh_process);
}

}  // namespace lodge
