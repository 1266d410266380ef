#include "vfs/procfs/task_dir.h"

#include "kernel/base/arena.h"

namespace lodge {
namespace {

class TaskText final : public OfTask<TextInode> {
 public:
  TaskText(Superblock& sb, uint64_t ino, const TaskNode& node, const TaskKey& key)
      : OfTask(sb, ino, node.mode, key), node_(node) {}
  Result<void> may_open() override {
    if (node_.guard == TaskNode::Guard::kInspect) (void)TRY(inspect(key_));
    return {};
  }
  Result<void> show(Formatter& out) override {
    TRY(may_open());
    return node_.show(key_, out);
  }
  Result<void> store(std::string_view text) override {
    if (!node_.store) return Errno::EIO;
    return node_.store(key_, text);
  }

 private:
  const TaskNode& node_;
};

constexpr TaskNode file(const char* name, uint32_t permissions, TaskNode::Show show) {
  return {.name = name, .mode = abi::kTypeRegular | permissions, .show = show};
}
constexpr TaskNode guarded(const char* name, uint32_t permissions, TaskNode::Show show) {
  TaskNode n = file(name, permissions, show);
  n.guard = TaskNode::Guard::kInspect;
  return n;
}
constexpr TaskNode setting(const char* name, TaskNode::Show show, TaskNode::Store store) {
  TaskNode n = file(name, 0644, show);
  n.store = store;
  return n;
}
constexpr TaskNode own(const char* name, uint32_t mode, decltype(TaskNode::make) make) {
  return {.name = name, .mode = mode, .make = make};
}
constexpr TaskNode of_process(TaskNode n) {
  n.in = TaskNode::In::kProcess;
  return n;
}
// What never changes, because there is one user namespace, one control group, no security module.
template <char... kText>
Result<void> show_fixed(const TaskKey&, Formatter& out) {
  constexpr char text[] = {kText..., 0};
  out.put(std::string_view(text, sizeof...(kText)));
  return {};
}
Result<void> show_id_map(const TaskKey&, Formatter& out) {
  format(out, "{:10} {:10} {:10}\n", 0, 0, 0xffffffffu);
  return {};
}
Result<void> show_no_login(const TaskKey&, Formatter& out) {
  out.put(0xffffffffu);
  return {};
}
Result<void> show_setgroups(const TaskKey&, Formatter& out) {
  out.put("allow\n");
  return {};
}

constexpr uint32_t kLink = abi::kTypeSymlink | 0777;

constexpr TaskNode kNodes[] = {
    of_process(own("task", abi::kTypeDir | 0555, make_thread_list)),
    own("fd", abi::kTypeDir | 0500, make_fd_dir),
    own("fdinfo", abi::kTypeDir | 0555, make_fdinfo_dir),
    own("ns", abi::kTypeDir | 0511, make_namespace_dir),
    own("net", abi::kTypeDir | 0555, make_net_dir),
    guarded("environ", 0400, show_task_environ),
    guarded("auxv", 0400, show_task_auxv),
    file("status", 0444, show_task_status),
    guarded("personality", 0400, show_task_personality),
    file("limits", 0444, show_task_limits),
    file("sched", 0644, show_task_sched),
    setting("comm", show_task_comm, store_task_comm),
    file("cmdline", 0444, show_task_cmdline),
    file("stat", 0444, show_task_stat),
    file("statm", 0444, show_task_statm),
    guarded("maps", 0444, show_task_maps),
    own("mem", abi::kTypeRegular | 0600, make_memory_file),
    own("cwd", kLink, make_task_link),
    own("root", kLink, make_task_link),
    own("exe", kLink, make_task_link),
    file("mounts", 0444, show_task_mounts),
    file("mountinfo", 0444, show_task_mountinfo),
    of_process(file("mountstats", 0400, show_task_mountstats)),
    guarded("smaps", 0444, show_task_smaps),
    guarded("smaps_rollup", 0444, show_task_smaps_rollup),
    file("wchan", 0444, show_fixed<'0'>),
    guarded("stack", 0400, show_fixed<>),
    file("schedstat", 0444, show_task_schedstat),
    file("cgroup", 0444, show_fixed<'0', ':', ':', '/', '\n'>),
    file("oom_score", 0444, show_task_oom_score),
    file("oom_adj", 0444, show_task_oom_adj),
    setting("oom_score_adj", show_task_oom_score_adj, store_task_oom_score_adj),
    file("loginuid", 0444, show_no_login),
    file("sessionid", 0444, show_no_login),
    guarded("io", 0400, show_task_io),
    file("uid_map", 0444, show_id_map),
    file("gid_map", 0444, show_id_map),
    file("projid_map", 0444, show_id_map),
    file("setgroups", 0444, show_setgroups),
    of_process({.name = "timerslack_ns",
                .mode = abi::kTypeRegular | 0666,
                .show = show_task_timer_slack,
                .store = store_task_timer_slack}),
};

}  // namespace

bool TaskDirBase::add_dots(uint64_t offset, DirSink& sink) {
  if (offset == 0 && !sink.add(".", ino(), abi::dt_type(abi::kTypeDir), 1)) return false;
  return offset > 1 || sink.add("..", parent_ino_, abi::dt_type(abi::kTypeDir), kFirstEntry);
}

Result<Ref<Inode>> TaskDir::lookup(std::string_view name) {
  for (const TaskNode& n : kNodes) {
    if (name != n.name || !has(n)) continue;
    if (!with_task(key_, [](Process&, Task*) {}).ok()) return Errno::ENOENT;
    if (n.make) return n.make(sb(), ino(), n, key_);
    return Ref<Inode>(TRY(make<TaskText>(sb(), pseudo_ino(ino(), name), n, key_)));
  }
  return Errno::ENOENT;
}

Result<void> TaskDir::read_dir(uint64_t offset, DirSink& sink) {
  if (!with_task(key_, [](Process&, Task*) {}).ok()) return Errno::ENOENT;
  if (!add_dots(offset, sink)) return {};
  for (uint64_t i = offset < kFirstEntry ? 0 : offset - kFirstEntry; i < std::size(kNodes); i++) {
    const TaskNode& n = kNodes[i];
    if (has(n) && !sink.add(n.name, pseudo_ino(ino(), n.name), abi::dt_type(n.mode), i + 1 + kFirstEntry))
      return {};
  }
  return {};
}

}  // namespace lodge
