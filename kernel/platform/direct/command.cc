// The process that `lodge run` is about: the command, the login shell, or the image's init. Its files, its
// place in the tree, and the program it becomes. If that cannot be had, it ends with what a shell would say:
// 127 for a command that is not there, 126 for one that cannot be executed.
#include "kernel/abi/fcntl.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/fd_table.h"
#include "kernel/loader/exec.h"
#include "kernel/mm/mm.h"
#include "kernel/platform/console/console_driver.h"
#include "kernel/platform/console/stream_file.h"
#include "kernel/platform/direct/boot.h"
#include "kernel/task/exit.h"
#include "kernel/task/process.h"
#include "kernel/task/task_random.h"
#include "kernel/task/trace_hook.h"
#include "kernel/tty/tty_file.h"
#include "vfs/core/fs_context.h"
#include "vfs/core/vfs.h"
#include "vfs/core/walk.h"

namespace lodge {
namespace {

using mailbox::BootInfo;

[[noreturn]] void no_command(Task& task, const char* name, const char* why, int code) {
  char line[512];
  Formatter f(line);
  format(f, "lodge: {}: {}\n", name, why);
  tell_user(f.view());
  exit_group(task, code << 8);
}

Result<void> open_standard_files(Task& task, const BootInfo& boot) {
  mailbox::Mailbox& m = the_mailbox();
  auto install = [&](Ref<File> f) -> Result<void> {
    auto slot = TRY(task.fds().reserve(16, FdCloexec::kNo));
    slot.install(std::move(f));
    return {};
  };
  if (boot.flags & mailbox::kBootTty) {
    ConsoleState& console_state = kernel_part<ConsoleState>();
    AnonFileState& anon = kernel_part<AnonFileState>();
    auto inode = TRY(make<AnonInode>(anon.sb, anon.sb.next_ino(), abi::kTypeChar | 0620, Inode::Owner{0, 5}));
    // An init has no controlling terminal, so that the sessions it starts may have one.
    Acquire acquire = boot.init ? Acquire::kNever : Acquire::kUnlessNoctty;
    Ref<File> console = TRY(open_tty(*inode, *console_state.tty, abi::kORdwr, acquire));
    for (int i = 0; i < 3; i++) TRY(install(console));
    return {};
  }
  TRY(install(TRY(open_stream(m.input, abi::kORdonly))));
  TRY(install(TRY(open_stream(m.output, abi::kOWronly))));
  TRY(install(TRY(open_stream(m.error, abi::kOWronly))));
  return {};
}

// Walks the NUL-terminated strings of the boot information.
class BootStrings {
 public:
  BootStrings(const mailbox::Mailbox& m, uint32_t at, uint32_t count)
      : next_(m.strings() + at), end_(m.strings() + m.boot.strings_length), left_(count) {}
  bool next(std::string_view& out) {
    if (left_ == 0 || next_ >= end_) return false;
    out = std::string_view(next_);
    next_ += out.size() + 1;
    left_--;
    return true;
  }

 private:
  const char *next_, *end_;
  uint32_t left_;
};

bool names_variable(std::string_view setting, std::string_view name) {
  return setting.size() > name.size() && has_prefix(setting, name) && setting[name.size()] == '=';
}

Result<void> add_environment(ExecStrings& out, const BootInfo& boot) {
  const mailbox::Mailbox& m = the_mailbox();
  const struct {
    std::string_view name, setting;
  } defaults[] = {{"PATH", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                  {"HOME", boot.uid == 0 ? "HOME=/root" : "HOME=/"},
                  {"TERM", "TERM=linux"}};
  for (auto& d : defaults) {
    bool given = false;
    BootStrings extra(m, boot.envv, boot.envc);
    for (std::string_view s; extra.next(s);) given |= names_variable(s, d.name);
    if (!given) TRY(out.add(d.setting));
  }
  BootStrings extra(m, boot.envv, boot.envc);
  for (std::string_view s; extra.next(s);) TRY(out.add(s));
  return {};
}

// The file that a command names: as it is with a slash, else along PATH.
Result<Ref<File>> find_command(Task& task, std::string_view name, std::string_view path_list, String& found) {
  if (name.find('/') != std::string_view::npos) {
    TRY(found.append(name));
    return open_exec(task, abi::kAtFdcwd, name, 0);
  }
  Errno error = Errno::ENOENT;
  while (!path_list.empty()) {
    size_t colon = path_list.find(':');
    std::string_view dir = substr(path_list, 0, colon);
    path_list = colon == std::string_view::npos ? std::string_view() : substr(path_list, colon + 1);
    found.clear();
    TRY(found.append(dir));
    TRY(found.append("/"));
    TRY(found.append(name));
    auto file = open_exec(task, abi::kAtFdcwd, found.view(), 0);
    if (file.ok()) return file;
    if (file.error() == Errno::EACCES) error = Errno::EACCES;
  }
  return error;
}

Result<void> take_identity(Task& task, const BootInfo& boot) {
  if (boot.uid == 0 && boot.gid == 0) return {};
  Ref<Cred> c = TRY(task.cred().copy());
  c->uid = c->euid = c->suid = c->fsuid = boot.uid;
  c->gid = c->egid = c->sgid = c->fsgid = boot.gid;
  if (boot.uid != 0) c->effective = c->permitted = 0;
  task.set_cred(std::move(c));
  return {};
}

Result<void> prepare(Task& task, const BootInfo& boot, ExecRequest& request) {
  Path root = Vfs::current().mounts().root();
  task.fs_ = TRY(make<FsContext>(root, root, 022));
  task.mm_ = TRY(Mm::create(kernel_part<MmSystem>(), random_u64(), MmLimits()));
  TRY(open_standard_files(task, boot));
  TRY(add_environment(request.envp, boot));
  return take_identity(task, boot);
}

}  // namespace

void command_main(Task& task) {
  const mailbox::Mailbox& m = the_mailbox();
  const BootInfo& boot = m.boot;
  auto made = make_raw<ExecRequest>();
  if (!made.ok()) boot_failed("no memory for the command");
  ExecRequest& request = **made;
  if (auto r = prepare(task, boot, request); !r.ok())
    boot_failed("cannot prepare the command", errno_name(r.error()));
  if (boot.cwd) {
    PathContext ctx{task.fs(), task.fds(), task.cred()};
    auto at = lookup_path(ctx, abi::kAtFdcwd, m.strings() + boot.cwd, kFollow | kDirectory);
    if (!at.ok()) no_command(task, m.strings() + boot.cwd, "no such working directory", 125);
    task.fs().set_cwd(at.take());
  }

  std::string_view name = "/bin/sh";
  Result<void> args{};
  if (boot.init) {
    name = m.strings() + boot.init;
    args = request.argv.add(name);
  } else if (boot.argc) {
    BootStrings argv(m, boot.argv, boot.argc);
    for (std::string_view s; args.ok() && argv.next(s);) {
      if (request.argv.count == 0) name = s;
      args = request.argv.add(s);
    }
  } else {
    args = request.argv.add("-sh");
  }
  if (!args.ok()) no_command(task, name.data(), "argument list too long", 126);

  std::string_view path_list = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  BootStrings extra(m, boot.envv, boot.envc);
  for (std::string_view s; extra.next(s);)
    if (names_variable(s, "PATH")) path_list = substr(s, 5);
  auto file = find_command(task, name, path_list, request.path);
  if (!file.ok())
    no_command(task, name.data(), file.error() == Errno::EACCES ? "permission denied" : "not found",
               file.error() == Errno::EACCES ? 126 : 127);
  request.file = file.take();
  if (auto r = prepare_exec(task, request); !r.ok())
    no_command(task, name.data(), r.error() == Errno::ENOEXEC ? "exec format error" : "cannot be executed",
               126);
  if (boot.flags & mailbox::kBootStrace) trace_first_task(task);
  the_mailbox().booted.store(1, std::memory_order_release);
  commit_exec(task, &request);
}

}  // namespace lodge
