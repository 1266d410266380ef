// /proc/PID/fd and fdinfo: the open files of a task.
//
// A link of fd/ leads to the file's path. A file without one (a pipe) is reached through a nameless dentry of
// the hidden mount, made for the purpose, of the file's own inode, which knows what opening it anew means.
#include "kernel/base/arena.h"
#include "vfs/core/d_path.h"
#include "vfs/core/vfs.h"
#include "vfs/procfs/task_dir.h"

namespace lodge {
namespace {

Result<Ref<File>> file_of(const TaskParts& parts, int fd) {
  if (!parts.fds) return Errno::ENOENT;
  auto file = parts.fds->get_counted(fd);
  if (!file.ok()) return Errno::ENOENT;
  return file;
}

bool is_open(const TaskKey& key, int fd) {
  auto parts = parts_of(key);
  return parts.ok() && file_of(*parts, fd).ok();
}

Result<Path> path_to(File& file) {
  if (file.path()) return file.path();
  if (!file.inode()) return Errno::ENXIO;
  String name;
  Formatter out(name);
  file.describe(out);
  if (out.truncated()) return Errno::ENOMEM;
  return path_of_nameless(name.view(), Ref<Inode>(*file.inode()));
}

class FdLink final : public OfTask<PseudoInode> {
 public:
  FdLink(Superblock& sb, uint64_t ino, uint32_t mode, const TaskKey& key, int fd)
      : OfTask(sb, ino, mode, key), fd_(fd), mode_shown_(mode) {}

  static uint32_t mode_of(const File& f) {
    uint32_t permissions =
        (f.flags() & abi::kOPath) ? 0 : (f.readable() ? 0500 : 0) | (f.writable() ? 0300 : 0);
    return abi::kTypeSymlink | permissions;
  }
  bool still_valid() override {
    if (!OfTask::still_valid()) return false;
    auto parts = parts_of(key_);
    if (!parts.ok()) return false;
    auto file = file_of(*parts, fd_);
    return file.ok() && mode_of(**file) == mode_shown_;
  }
  bool is_magic_link() const override { return true; }
  Result<Path> follow_magic() override {
    TaskParts parts = TRY(inspect(key_));
    return path_to(*TRY(file_of(parts, fd_)));
  }
  Result<String> read_link() override {
    TaskParts parts = TRY(inspect(key_));
    Ref<File> file = TRY(file_of(parts, fd_));
    String text;
    Formatter out(text);
    TRY(put_file(out, *file, current_task().fs().root()));
    if (out.truncated()) return Errno::ENOMEM;
    return text;
  }
  Result<void> get_attr(InodeAttr& out) override {
    TRY(PseudoInode::get_attr(out));
    out.size = 64;  // what Linux says, for callers that size their buffers by it
    return {};
  }

 private:
  const int fd_;
  const uint32_t mode_shown_;
};

class FdInfo final : public OfTask<TextInode> {
 public:
  FdInfo(Superblock& sb, uint64_t ino, const TaskKey& key, int fd)
      : OfTask(sb, ino, abi::kTypeRegular | 0444, key), fd_(fd) {}
  bool still_valid() override { return OfTask::still_valid() && is_open(key_, fd_); }
  Result<void> may_open() override {
    (void)TRY(inspect(key_));
    return {};
  }
  Result<void> show(Formatter& out) override {
    TaskParts parts = TRY(inspect(key_));
    Ref<File> file = TRY(file_of(parts, fd_));
    uint32_t flags = file->flags();
    auto cloexec = parts.fds->cloexec(fd_);
    if (cloexec.ok() && *cloexec) flags |= abi::kOCloexec;
    uint32_t mount = file->path() ? file->path().mount()->id() : Vfs::current().hidden_mount().id();
    format(out, "pos:\t{}\nflags:\t0{:o}\nmnt_id:\t{}\nino:\t{}\n", file->position, flags, mount,
           file->inode() ? file->inode()->ino() : 0);
    file->show_info(out);
    return {};
  }

 private:
  const int fd_;
};

// Either directory.
class FdDir final : public TaskDirBase {
 public:
  enum class Of : uint8_t { kLinks, kInfos };
  FdDir(Superblock& sb, uint64_t ino, uint64_t parent_ino, uint32_t permissions, const TaskKey& key, Of of)
      : TaskDirBase(sb, ino, parent_ino, permissions, key), of_(of) {}

  Result<Ref<Inode>> lookup(std::string_view name) override {
    int fd = name_as_number(name);
    if (fd < 0) return Errno::ENOENT;
    auto parts = parts_of(key_);
    if (!parts.ok()) return Errno::ENOENT;
    Ref<File> file = TRY(file_of(*parts, fd));
    uint64_t number = pseudo_ino(ino(), name);
    if (of_ == Of::kInfos) return Ref<Inode>(TRY(make<FdInfo>(sb(), number, key_, fd)));
    return Ref<Inode>(TRY(make<FdLink>(sb(), number, FdLink::mode_of(*file), key_, fd)));
  }

  Result<void> read_dir(uint64_t offset, DirSink& sink) override {
    TaskParts parts = TRY(parts_of(key_));
    if (!add_dots(offset, sink) || !parts.fds) return {};
    int fd = offset < kFirstEntry ? 0 : static_cast<int>(offset - kFirstEntry);
    uint8_t type = abi::dt_type(of_ == Of::kLinks ? abi::kTypeSymlink : abi::kTypeRegular);
    for (; (fd = parts.fds->next_open(static_cast<uint32_t>(fd))) >= 0; fd++) {
      char text[16];
      Formatter name(text);
      name.put(fd);
      if (!sink.add(name.view(), pseudo_ino(ino(), name.view()), type,
                    static_cast<uint64_t>(fd) + 1 + kFirstEntry))
        return {};
    }
    return {};
  }

 private:
  const Of of_;
};

}  // namespace

Result<Path> path_of_nameless(std::string_view name, Ref<Inode> inode) {
  Mount& mount = Vfs::current().hidden_mount();
  DentryRef d = TRY(Vfs::current().dentries().make_unhashed(*mount.root(), QName(name), std::move(inode)));
  mount.ref();
  return Path(Path::Adopt(), {&mount, d.leak()});
}

Result<Ref<Inode>> make_fd_dir(Superblock& sb, uint64_t dir_ino, const TaskNode& node, const TaskKey& key) {
  uint64_t ino = pseudo_ino(dir_ino, node.name);
  return Ref<Inode>(TRY(make<FdDir>(sb, ino, dir_ino, node.mode & 07777, key, FdDir::Of::kLinks)));
}
Result<Ref<Inode>> make_fdinfo_dir(Superblock& sb, uint64_t dir_ino, const TaskNode& node,
                                   const TaskKey& key) {
  uint64_t ino = pseudo_ino(dir_ino, node.name);
  return Ref<Inode>(TRY(make<FdDir>(sb, ino, dir_ino, node.mode & 07777, key, FdDir::Of::kInfos)));
}

}  // namespace lodge
