// The directories and files of one process or thread: /proc/PID and /proc/PID/task/TID.
#pragma once
#include "vfs/procfs/task_key.h"
#include "vfs/pseudo/node.h"

namespace lodge {

// An inode about a task: valid while the task lives and its files' owner is the same.
template <typename Base>
class OfTask : public Base {
 public:
  OfTask(Superblock& sb, uint64_t ino, uint32_t mode, const TaskKey& key)
      : Base(sb, ino, mode, owner_of_files(key)), key_(key) {}
  bool still_valid() override {
    if (!with_task(key_, [](Process&, Task*) {}).ok()) return false;
    Inode::Owner now = owner_of_files(key_), then = this->owner();
    return now.uid == then.uid && now.gid == then.gid;
  }

 protected:
  const TaskKey key_;
};

// Directories of it find nothing, and list nothing, once the task is gone; what they find is looked at anew
// each time.
class TaskDirBase : public OfTask<PseudoInode> {
 public:
  TaskDirBase(Superblock& sb, uint64_t ino, uint64_t parent_ino, uint32_t permissions, const TaskKey& key)
      : OfTask(sb, ino, abi::kTypeDir | permissions, key), parent_ino_(parent_ino) {}
  bool cacheable() const override { return false; }
  bool revalidate(std::string_view, Inode* cached) override {
    return cached && static_cast<PseudoInode*>(cached)->still_valid();
  }
  Result<Ref<Inode>> create(std::string_view, const NewInode&) override { return Errno::EPERM; }

 protected:
  static constexpr uint64_t kFirstEntry = 2;
  // "." and "..", as far as `offset` wants them. False: the sink is full.
  bool add_dots(uint64_t offset, DirSink& sink);
  const uint64_t parent_ino_;
};

// A name in a task's directory.
struct TaskNode {
  using Show = Result<void> (*)(const TaskKey& key, Formatter& out);
  using Store = Result<void> (*)(const TaskKey& key, std::string_view text);
  enum class In : uint8_t { kBoth, kProcess };     // which of the two directories has it
  enum class Guard : uint8_t { kNone, kInspect };  // kInspect: only who might debug the task may open it
  const char* name;
  uint32_t mode;
  Show show = nullptr;
  Store store = nullptr;
  Guard guard = Guard::kNone;
  In in = In::kBoth;
  Result<Ref<Inode>> (*make)(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                             const TaskKey& key) = nullptr;
};

class TaskDir final : public TaskDirBase {
 public:
  TaskDir(Superblock& sb, uint64_t ino, uint64_t parent_ino, const TaskKey& key)
      : TaskDirBase(sb, ino, parent_ino, 0555, key) {}
  Result<Ref<Inode>> lookup(std::string_view name) override;
  Result<void> read_dir(uint64_t offset, DirSink& sink) override;
  bool is_about(const Process& p) const { return key_.whole() && key_.start == p.start_time; }

 private:
  bool has(const TaskNode& node) const { return node.in == TaskNode::In::kBoth || key_.whole(); }
};

// To an inode that no path leads to, by a dentry of the hidden mount made for the purpose: what a magic link
// follows to (task_fd.cc). `name` is what the link says.
Result<Path> path_of_nameless(std::string_view name, Ref<Inode> inode);

// The parts with inodes of their own (task_fd.cc, task_links.cc, task_list.cc, task_ns.cc).
using MakeTaskInode = Result<Ref<Inode>>(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                         const TaskKey& key);
MakeTaskInode make_fd_dir, make_fdinfo_dir, make_task_link, make_thread_list, make_net_dir, make_memory_file,
    make_namespace_dir;

// Contents (task_stat.cc, task_status.cc, task_maps.cc, task_text.cc, mounts.cc).
using ShowTask = Result<void>(const TaskKey& key, Formatter& out);
using StoreTask = Result<void>(const TaskKey& key, std::string_view text);
ShowTask show_task_stat, show_task_statm, show_task_status;
ShowTask show_task_maps, show_task_smaps, show_task_smaps_rollup;
ShowTask show_task_cmdline, show_task_environ, show_task_auxv, show_task_comm, show_task_limits, show_task_io;
ShowTask show_task_oom_score, show_task_oom_score_adj, show_task_oom_adj, show_task_schedstat,
    show_task_sched;
ShowTask show_task_personality, show_task_timer_slack;
ShowTask show_task_mounts, show_task_mountinfo, show_task_mountstats;
StoreTask store_task_comm, store_task_oom_score_adj, store_task_timer_slack;

}  // namespace lodge
