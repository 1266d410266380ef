// /proc/PID/ns: links to the task's namespaces (namespaces(7)). There is one of each kind, and it has the
// number that Linux gives the first one of its kind.
#include "kernel/base/arena.h"
#include "kernel/file/anon_inode.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

struct Namespace {
  const char* link;
  const char* kind;
  uint64_t ino;
};
constexpr Namespace kNamespaces[] = {
    {"cgroup", "cgroup", 4026531835}, {"ipc", "ipc", 4026531839},
    {"mnt", "mnt", 4026531841},       {"net", "net", 4026531840},
    {"pid", "pid", 4026531836},       {"pid_for_children", "pid", 4026531836},
    {"time", "time", 4026531834},     {"time_for_children", "time", 4026531834},
    {"user", "user", 4026531837},     {"uts", "uts", 4026531838},
};

class NamespaceLink final : public OfTask<PseudoInode> {
 public:
  NamespaceLink(Superblock& sb, uint64_t ino, const TaskKey& key, const Namespace& ns)
      : OfTask(sb, ino, abi::kTypeSymlink | 0777, key), ns_(ns) {}

  bool is_magic_link() const override { return true; }
  Result<Path> follow_magic() override {
    String name = TRY(read_link());
    return path_of_nameless(name.view(),
                            Ref<Inode>(TRY(make<AnonInode>(kernel_part<AnonFileState>().sb, ns_.ino,
                                                           abi::kTypeRegular | 0444, Inode::Owner{0, 0}))));
  }
  Result<String> read_link() override {
    auto allowed = inspect(key_);
    if (!allowed.ok()) return allowed.error() == Errno::ESRCH ? Errno::ENOENT : allowed.error();
    String text;
    Formatter out(text);
    format(out, "{}:[{}]", ns_.kind, ns_.ino);
    if (out.truncated()) return Errno::ENOMEM;
    return text;
  }

 private:
  const Namespace& ns_;
};

class NamespaceDir final : public TaskDirBase {
 public:
  NamespaceDir(Superblock& sb, uint64_t ino, uint64_t parent_ino, const TaskKey& key)
      : TaskDirBase(sb, ino, parent_ino, 0511, key) {}

  Result<Ref<Inode>> lookup(std::string_view name) override {
    for (const Namespace& ns : kNamespaces)
      if (name == ns.link)
        return Ref<Inode>(TRY(make<NamespaceLink>(sb(), pseudo_ino(ino(), name), key_, ns)));
    return Errno::ENOENT;
  }
  Result<void> read_dir(uint64_t offset, DirSink& sink) override {
    if (!add_dots(offset, sink)) return {};
    for (uint64_t i = offset < kFirstEntry ? 0 : offset - kFirstEntry; i < std::size(kNamespaces); i++) {
      const char* name = kNamespaces[i].link;
      if (!sink.add(name, pseudo_ino(ino(), name), abi::dt_type(abi::kTypeSymlink), i + 1 + kFirstEntry))
        return {};
    }
    return {};
  }
};

}  // namespace

Result<Ref<Inode>> make_namespace_dir(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                      const TaskKey& key) {
  return Ref<Inode>(TRY(make<NamespaceDir>(sb, pseudo_ino(dir_ino, node.name), dir_ino, key)));
}

}  // namespace lodge
