// /proc/PID/task: the threads of a process.
#include "kernel/base/arena.h"
#include "vfs/procfs/net.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

class ThreadList final : public TaskDirBase {
 public:
  ThreadList(Superblock& sb, uint64_t ino, uint64_t parent_ino, const TaskKey& key)
      : TaskDirBase(sb, ino, parent_ino, 0555, key) {}

  Result<Ref<Inode>> lookup(std::string_view name) override {
    TaskKey thread = key_;
    thread.tid = name_as_number(name);
    if (thread.tid <= 0 || !with_task(thread, [](Process&, Task*) {}).ok()) return Errno::ENOENT;
    return Ref<Inode>(TRY(make<TaskDir>(sb(), pseudo_ino(ino(), name), ino(), thread)));
  }

  // In order of their numbers, whatever comes and goes meanwhile.
  Result<void> read_dir(uint64_t offset, DirSink& sink) override {
    if (!add_dots(offset, sink)) return {};
    int32_t from = offset < kFirstEntry ? 0 : static_cast<int32_t>(offset - kFirstEntry);
    for (;;) {
      int32_t next = 0;
      auto found = with_task(key_, [&](Process& p, Task*) {
        for (Task& t : p.threads)
          if (t.tid >= from && (next == 0 || t.tid < next)) next = t.tid;
      });
      if (!found.ok()) return Errno::ENOENT;
      if (next == 0) return {};
      char text[16];
      Formatter name(text);
      name.put(next);
      from = next + 1;
      if (!sink.add(name.view(), pseudo_ino(ino(), name.view()), abi::dt_type(abi::kTypeDir),
                    static_cast<uint64_t>(from) + kFirstEntry))
        return {};
    }
  }
};

}  // namespace

Result<Ref<Inode>> make_thread_list(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                    const TaskKey& key) {
  return Ref<Inode>(TRY(make<ThreadList>(sb, pseudo_ino(dir_ino, node.name), dir_ino, key)));
}

Result<Ref<Inode>> make_net_dir(Superblock& sb, uint64_t dir_ino, const TaskNode& node, const TaskKey&) {
  return make_pseudo_inode(sb, dir_ino, node.name, kNetDir, 0, {0, 0});
}

}  // namespace lodge
