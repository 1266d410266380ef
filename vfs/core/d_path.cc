#include "vfs/core/d_path.h"

#include <cstring>

#include "vfs/core/qname.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

// Names are collected from the end, backwards.
struct Backwards {
  char text[kPathMax];
  size_t begin = kPathMax;
  bool overflow = false;

  void put_front(std::string_view s) {
    if (s.size() > begin) {
      overflow = true;
      return;
    }
    begin -= s.size();
    std::memcpy(text + begin, s.data(), s.size());
  }
  std::string_view view() const { return {text + begin, kPathMax - begin}; }
};

struct Shape {
  bool reachable = true;
  bool deleted = false;
};

// Under both locks names and mounts stand still.
Shape collect(Backwards& out, const Path& path, const Path& root) {
  MutexLock mounts_lock(Vfs::current().mounts().lock());
  MutexLock dentries_lock(Vfs::current().dentries().lock());
  const Mount* m = path.mount();
  const Dentry* d = path.dentry();
  Shape shape;
  shape.deleted = !d->is(Dentry::kHashed) && !d->is_root();
  while (!(m == root.mount() && d == root.dentry())) {
    if (d == m->root() || d->is_root()) {
      if (!m->parent()) {
        shape.reachable = (m->flags() & kMountHidden) != 0;
        break;
      }
      d = m->mountpoint();
      m = m->parent();
      continue;
    }
    out.put_front(d->name_locked());
    out.put_front("/");
    d = d->parent();
  }
  if (out.view().empty()) out.put_front("/");
  return shape;
}

}  // namespace

Result<void> put_path(Formatter& out, const Path& path, const Path& root) {
  Backwards text;
  Shape shape = collect(text, path, root);
  if (text.overflow) return Errno::ENAMETOOLONG;
  if (!shape.reachable) out.put("(unreachable)");
  out.put(text.view());
  if (shape.deleted) out.put(" (deleted)");
  return {};
}

Result<void> put_cwd(Formatter& out, const Path& cwd, const Path& root) {
  Backwards text;
  Shape shape = collect(text, cwd, root);
  if (shape.deleted) return Errno::ENOENT;
  if (text.overflow) return Errno::ENAMETOOLONG;
  if (!shape.reachable) out.put("(unreachable)");
  out.put(text.view());
  return {};
}

Result<void> put_path_in_fs(Formatter& out, const Dentry& dentry) {
  Backwards text;
  {
    MutexLock lock(Vfs::current().dentries().lock());
    for (const Dentry* d = &dentry; !d->is_root(); d = d->parent()) {
      text.put_front(d->name_locked());
      text.put_front("/");
    }
  }
  if (text.overflow) return Errno::ENAMETOOLONG;
  if (text.view().empty()) text.put_front("/");
  out.put(text.view());
  return {};
}

Result<void> put_file(Formatter& out, const File& file, const Path& root) {
  if (file.path()) return put_path(out, file.path(), root);
  file.describe(out);
  return {};
}

}  // namespace lodge
