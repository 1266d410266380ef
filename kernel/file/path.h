// Path: a mount and a dentry, counted. Dentry and Mount belong to vfs/core, which defines path_ref and
// path_unref; what is above and beside it (files, mm, ipc) only passes a Path around.
#pragma once
#include <utility>

namespace lodge {

class Mount;
class Dentry;

struct PathPointers {
  Mount* mount = nullptr;
  Dentry* dentry = nullptr;
};
void path_ref(PathPointers);
void path_unref(PathPointers);

class Path {
 public:
  Path() = default;
  explicit Path(PathPointers p) : p_(p) {
    if (p_.dentry) path_ref(p_);
  }
  struct Adopt {};
  Path(Adopt, PathPointers p) : p_(p) {}
  Path(const Path& o) : Path(o.p_) {}
  Path(Path&& o) : p_(std::exchange(o.p_, {})) {}
  Path& operator=(Path o) {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Path() {
    if (p_.dentry) path_unref(p_);
  }
  explicit operator bool() const { return p_.dentry != nullptr; }
  Mount* mount() const { return p_.mount; }
  Dentry* dentry() const { return p_.dentry; }
  PathPointers leak() { return std::exchange(p_, {}); }  // the caller owns the references from here
  bool operator==(const Path& o) const { return p_.mount == o.p_.mount && p_.dentry == o.p_.dentry; }

 private:
  PathPointers p_;
};

}  // namespace lodge
