// /proc/PID/cwd, root and exe: links to the objects themselves.
#include "kernel/base/arena.h"
#include "vfs/core/d_path.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

class TaskLink final : public OfTask<PseudoInode> {
 public:
  TaskLink(Superblock& sb, uint64_t ino, const TaskNode& node, const TaskKey& key)
      : OfTask(sb, ino, node.mode, key), name_(node.name) {}

  bool is_magic_link() const override { return true; }

  Result<Path> follow_magic() override {
    auto found = inspect(key_);
    if (!found.ok()) return found.error() == Errno::ESRCH ? Errno::ENOENT : found.error();
    TaskParts parts = found.take();
    Path path;
    if (name_ == "exe") {
      MutexLock lock(parts.process->limits_lock);
      if (parts.process->executable && parts.mm) path = parts.process->executable->path();
    } else if (parts.fs) {
      path = name_ == "cwd" ? parts.fs->cwd() : parts.fs->root();
    }
    if (!path) return Errno::ENOENT;
    return path;
  }

  Result<String> read_link() override {
    Path path = TRY(follow_magic());
    String text;
    Formatter out(text);
    TRY(put_path(out, path, current_task().fs().root()));
    if (out.truncated()) return Errno::ENOMEM;
    return text;
  }

 private:
  const std::string_view name_;
};

}  // namespace

Result<Ref<Inode>> make_task_link(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                  const TaskKey& key) {
  return Ref<Inode>(TRY(make<TaskLink>(sb, pseudo_ino(dir_ino, node.name), node, key)));
}

}  // namespace lodge
