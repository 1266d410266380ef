// /proc/PID/mounts, mountinfo and mountstats: what is mounted below the root directory of that process
// (fstab(5), proc(5)).
#include "kernel/base/vector.h"
#include "vfs/core/d_path.h"
#include "vfs/core/vfs.h"
#include "vfs/procfs/task_dir.h"
#include "vfs/pseudo/show.h"

namespace lodge {
namespace {

constexpr std::string_view kEscaped = " \t\n\\#";

struct Entry {
  MountRef mount;
  uint32_t parent_id;
};

// Counted copies, so that the text can be made without the tree's lock.
Result<Vector<Entry>> all_mounts() {
  Vector<Entry> all;
  Result<void> kept;
  Vfs::current().mounts().for_each([&](Mount& m) {
    if (!kept.ok() || (m.flags() & kMountHidden)) return;
    uint32_t parent = m.parent() ? m.parent()->id() : 1;
    kept = all.push_back(Entry{MountRef(&m), parent});
  });
  TRY(std::move(kept));
  return all;
}

void put_mount_flags(Formatter& out, uint32_t flags) {
  static constexpr struct {
    uint64_t flag;
    const char* name;
  } kNames[] = {{abi::kMsNosuid, ",nosuid"},          {abi::kMsNodev, ",nodev"},
                {abi::kMsNoexec, ",noexec"},          {abi::kMsNoatime, ",noatime"},
                {abi::kMsNodiratime, ",nodiratime"},  {abi::kMsRelatime, ",relatime"},
                {abi::kMsNosymfollow, ",nosymfollow"}};
  for (auto& n : kNames)
    if (flags & n.flag) out.put(n.name);
}

void put_source(Formatter& out, const Mount& m) {
  put_escaped(out, m.source().empty() ? std::string_view("none") : m.source(), kEscaped);
}

// Calls f(mount, parent's id, where it is mounted as the process sees it); those it does not see are left
// out.
template <typename F>
Result<void> for_each_visible(const TaskKey& key, F f) {
  TaskParts parts = TRY(parts_of(key));
  if (!parts.fs) return Errno::EINVAL;
  Path root = parts.fs->root();
  Vector<Entry> all = TRY(all_mounts());
  for (Entry& e : all) {
    String where;
    Formatter text(where);
    TRY(put_path(text, Path({e.mount.get(), e.mount->root()}), root));
    if (text.truncated()) return Errno::ENOMEM;
    if (has_prefix(text.view(), "/")) TRY(f(*e.mount, e.parent_id, text.view()));
  }
  return {};
}

}  // namespace

Result<void> show_task_mounts(const TaskKey& key, Formatter& out) {
  return for_each_visible(key, [&](Mount& m, uint32_t, std::string_view where) -> Result<void> {
    put_source(out, m);
    out.put(' ');
    put_escaped(out, where, kEscaped);
    format(out, " {} {}", m.sb().type_name(), m.read_only() ? "ro" : "rw");
    put_mount_flags(out, m.flags());
    m.sb().show_options(out);
    out.put(" 0 0\n");
    return {};
  });
}

Result<void> show_task_mountinfo(const TaskKey& key, Formatter& out) {
  return for_each_visible(key, [&](Mount& m, uint32_t parent, std::string_view where) -> Result<void> {
    format(out, "{} {} ", m.id(), parent);
    put_device(out, m.sb().dev);
    out.put(' ');
    String root;
    Formatter text(root);
    TRY(put_path_in_fs(text, *m.root()));
    put_escaped(out, text.view(), kEscaped);
    out.put(' ');
    put_escaped(out, where, kEscaped);
    out.put((m.flags() & abi::kMsRdonly) ? " ro" : " rw");
    put_mount_flags(out, m.flags());
    format(out, " - {} ", m.sb().type_name());
    put_source(out, m);
    out.put(m.sb().read_only ? " ro" : " rw");
    m.sb().show_options(out);
    out.put('\n');
    return {};
  });
}

Result<void> show_task_mountstats(const TaskKey& key, Formatter& out) {
  return for_each_visible(key, [&](Mount& m, uint32_t, std::string_view where) -> Result<void> {
    out.put("device ");
    put_source(out, m);
    out.put(" mounted on ");
    put_escaped(out, where, kEscaped);
    format(out, " with fstype {}\n", m.sb().type_name());
    return {};
  });
}

}  // namespace lodge
