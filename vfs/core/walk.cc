#include "vfs/core/walk.h"

#include "vfs/core/permission.h"
#include "vfs/core/vfs.h"

namespace lodge {
namespace {

constexpr int kMaxLinks = 40;
// How often a lock-free run that was disturbed is tried again before one component is done with references.
constexpr int kLocklessTries = 3;

}  // namespace

Walk::Component Walk::split(std::string_view rest) {
  size_t end = 0;
  while (end < rest.size() && rest[end] != '/') end++;
  Component c{substr(rest, 0, end), substr(rest, end), false, end < rest.size()};
  while (end < rest.size() && rest[end] == '/') end++;
  c.last = end == rest.size();
  return c;
}

void Walk::skip_slashes() {
  while (!rest_.empty() && rest_[0] == '/') rest_.remove_prefix(1);
}

void Walk::set_at(PathPointers p, Hold hold) {
  PathPointers old = at_;
  bool drop = counted_;
  at_ = p;
  counted_ = hold == Hold::kCounted;
  if (drop) path_unref(old);
}

Result<void> Walk::start(int dirfd) {
  bool scoped = (flags_ & (kBeneath | kInRoot)) != 0;
  bool absolute = !rest_.empty() && rest_[0] == '/';
  if (rest_.empty() && !(flags_ & kEmptyOk)) return Errno::ENOENT;
  if (absolute && (flags_ & kBeneath)) return Errno::EXDEV;
  if (ctx_.fs.shared()) {
    root_hold_ = ctx_.fs.root();
    root_ = {root_hold_.mount(), root_hold_.dentry()};
  } else {
    root_ = {ctx_.fs.borrow_root().mount(), ctx_.fs.borrow_root().dentry()};
  }
  if (absolute && !scoped) {
    set_at(root_, Hold::kBorrowed);
    return {};
  }
  if (dirfd == abi::kAtFdcwd) {
    if (ctx_.fs.shared()) {
      Path cwd = ctx_.fs.cwd();
      path_ref({cwd.mount(), cwd.dentry()});
      set_at({cwd.mount(), cwd.dentry()}, Hold::kCounted);
    } else {
      set_at({ctx_.fs.borrow_cwd().mount(), ctx_.fs.borrow_cwd().dentry()}, Hold::kBorrowed);
    }
  } else {
    dir_file_.emplace(TRY(ctx_.fds.get_path_ok(dirfd)));
    const Path& p = (*dir_file_)->path();
    if (!p) return Errno::ENOTDIR;
    set_at({p.mount(), p.dentry()}, Hold::kBorrowed);
  }
  if (!rest_.empty() && !at_.dentry->is_dir()) return Errno::ENOTDIR;
  if (scoped) {
    root_hold_ = Path(at_);
    root_ = at_;
  }
  return {};
}

Result<Path> Walk::finish() {
  TRY(run(StopAt::kEnd));
  TRY(check_end());
  PathPointers p = at_;
  if (!counted_) path_ref(p);
  counted_ = false;
  return Path(Path::Adopt(), p);
}

Result<void> Walk::check_end() const {
  if ((flags_ & kDirectory) && !at_.dentry->is_dir()) return Errno::ENOTDIR;
  return {};
}

Result<void> Walk::to_parent() {
  return run(StopAt::kLast);
}

Result<void> Walk::run(StopAt stop) {
  skip_slashes();
  int tries = 0;
  while (!rest_.empty()) {
    Component c = split(rest_);
    if (stop == StopAt::kLast && c.last) break;
    if (!confined() && tries < kLocklessTries) {
      Errno error;
      size_t before = rest_.size();
      switch (run_lockless(stop, error)) {
        case Lockless::kFailed:
          return error;
        case Lockless::kDisturbed:
          tries++;
          continue;
        case Lockless::kStopped:
          break;
      }
      skip_slashes();
      if (rest_.empty()) break;
      if (rest_.size() != before) {
        c = split(rest_);
        if (stop == StopAt::kLast && c.last) break;
      }
    }
    if (flags_ & kCached) return Errno::EAGAIN;
    TRY(step(c));
    skip_slashes();
    tries = 0;
  }
  if (stop == StopAt::kEnd) return {};
  if (rest_.empty()) {
    last_type_ = Last::kRoot;
    return {};
  }
  Component c = split(rest_);
  trailing_slash_ = c.trailing_slash;
  last_type_ = c.name == "." ? Last::kDot : c.name == ".." ? Last::kDotDot : Last::kName;
  if (c.name.size() > kNameMax) return Errno::ENAMETOOLONG;
  if (!at_.dentry->is_dir()) return Errno::ENOTDIR;
  TRY(check_permission(*at_.dentry->inode(), ctx_.cred, kExec));
  last_.emplace(c.name);
  return {};
}

// One level up without locks; stays where it is at the root of the context or of all. False: disturbed.
bool Walk::climb_lockless(Mount*& m, Dentry*& d, uint32_t& seq) const {
  while (!(m == root_.mount && d == root_.dentry)) {
    Dentry* up;
    if (d != m->root()) {
      up = d->parent();
    } else {
      if (!m->parent()) return true;
      up = m->mountpoint();
      m = m->parent();
      if (!up) return false;
      d = up;
      if (!d->seq_begin(seq)) return false;
      continue;
    }
    uint32_t up_seq;
    if (!up->seq_begin(up_seq) || !d->seq_valid(seq)) return false;
    d = up;
    seq = up_seq;
    return true;
  }
  return true;
}

// Goes as far as the cache leads. What it has read it believes only after the check of the dentry's sequence
// that follows each reading; errors, and the place where it stops, only after the mount tree's as well.
Walk::Lockless Walk::run_lockless(StopAt stop, Errno& error) {
  const DentryCache& cache = Vfs::current().dentries();
  const MountTree& mounts = Vfs::current().mounts();
  uint32_t mounts_seq = mounts.read_begin();
  Mount* m = at_.mount;
  Dentry* d = at_.dentry;
  uint32_t seq;
  if (!d->seq_begin(seq)) return Lockless::kDisturbed;
  std::string_view rest = rest_;
  bool failed = false;

  while (!rest.empty()) {
    Component c = split(rest);
    if (stop == StopAt::kLast && c.last) break;
    uint32_t mode = d->mode();
    if ((mode & abi::kTypeMask) != abi::kTypeDir) {
      error = Errno::ENOTDIR;
      failed = true;
      break;
    }
    if (!access_allowed(mode, {d->uid(), d->gid()}, ctx_.cred, kExec)) {
      error = Errno::EACCES;
      failed = true;
      break;
    }
    if (c.name[0] == '.' && c.name.size() <= 2 && (c.name.size() == 1 || c.name[1] == '.')) {
      if (c.name.size() == 2 && !climb_lockless(m, d, seq)) return Lockless::kDisturbed;
      if (c.name.size() == 2 && d->is(Dentry::kMounted)) {
        while (Mount* on_top = mounts.find(m, d)) {
          m = on_top;
          d = m->root();
        }
        if (!d->seq_begin(seq)) return Lockless::kDisturbed;
      }
    } else {
      if (c.name.size() > kNameMax) {
        error = Errno::ENAMETOOLONG;
        failed = true;
        break;
      }
      uint32_t child_seq;
      Dentry* child = cache.find_lockless(*d, QName(c.name), child_seq);
      if (!child) break;
      uint32_t child_mode = child->mode(), child_flags = child->flags();
      if (!child->seq_valid(child_seq) || !d->seq_valid(seq)) return Lockless::kDisturbed;
      if (child_flags & Dentry::kRevalidate) break;
      if (child_mode == 0) {
        error = Errno::ENOENT;
        failed = true;
        break;
      }
      if ((child_mode & abi::kTypeMask) == abi::kTypeSymlink && follows(c)) break;
      if (child_flags & Dentry::kMounted) {
        while (Mount* on_top = mounts.find(m, child)) {
          m = on_top;
          child = m->root();
          if (!child || !child->seq_begin(child_seq)) return Lockless::kDisturbed;
          child_mode = child->mode();
        }
      }
      if (c.trailing_slash && (child_mode & abi::kTypeMask) != abi::kTypeDir) {
        error = Errno::ENOTDIR;
        failed = true;
        break;
      }
      d = child;
      seq = child_seq;
    }
    rest = c.after;
    while (!rest.empty() && rest[0] == '/') rest.remove_prefix(1);
  }

  if (failed)
    return d->seq_valid(seq) && mounts.read_valid(mounts_seq) ? Lockless::kFailed : Lockless::kDisturbed;
  if (d == at_.dentry && m == at_.mount) {
    rest_ = rest;
    return Lockless::kStopped;
  }
  if (!m->try_ref()) return Lockless::kDisturbed;
  if (!d->try_ref()) {
    m->unref();
    return Lockless::kDisturbed;
  }
  if (!d->seq_valid(seq) || !mounts.read_valid(mounts_seq)) {
    path_unref({m, d});
    return Lockless::kDisturbed;
  }
  set_at({m, d}, Hold::kCounted);
  rest_ = rest;
  return Lockless::kStopped;
}

// One component with references.
Result<void> Walk::step(const Component& c) {
  Inode* dir = at_.dentry->inode();
  if (!dir->is_dir()) return Errno::ENOTDIR;
  TRY(check_permission(*dir, ctx_.cred, kExec));
  if (c.name == ".") {
    rest_ = c.after;
    return {};
  }
  if (c.name == "..") {
    TRY(climb());
    rest_ = c.after;
    return {};
  }
  if (c.name.size() > kNameMax) return Errno::ENAMETOOLONG;
  DentryRef child = TRY(lookup_child(*at_.dentry, QName(c.name)));
  if (child->negative()) return Errno::ENOENT;
  if (child->is_symlink() && follows(c)) return follow(*child, c.after);
  return enter(std::move(child), c);
}

Result<void> Walk::enter(DentryRef child, const Component& c) {
  at_.mount->ref();
  Path p(Path::Adopt(), {at_.mount, child.leak()});
  if (p.dentry()->is(Dentry::kMounted)) {
    Path top = Vfs::current().mounts().cross_down(p);
    if ((flags_ & kNoXdev) && top.mount() != p.mount()) return Errno::EXDEV;
    p = std::move(top);
  }
  if (c.trailing_slash && !p.dentry()->is_dir()) return Errno::ENOTDIR;
  PathPointers to = p.leak();
  set_at(to, Hold::kCounted);
  rest_ = c.after;
  return {};
}

Result<void> Walk::climb() {
  Path here(at_);
  for (;;) {
    if (here.mount() == root_.mount && here.dentry() == root_.dentry) {
      if (flags_ & kBeneath) return Errno::EXDEV;
      return {};
    }
    if (here.dentry() != here.mount()->root()) break;
    if (!Vfs::current().mounts().cross_up(here)) return {};
    if (flags_ & kNoXdev) return Errno::EXDEV;
  }
  here = Path(PathPointers{here.mount(), Vfs::current().dentries().parent_of(*here.dentry()).get()});
  Path top = Vfs::current().mounts().cross_down(here);
  // A rename may have taken the place out of what the walk is confined to.
  if ((flags_ & (kBeneath | kInRoot)) && !Vfs::current().mounts().is_below(top, Path(root_)))
    return Errno::EXDEV;
  set_at(top.leak(), Hold::kCounted);
  return {};
}

Result<void> Walk::follow(Dentry& link, std::string_view after) {
  if (++links_ > kMaxLinks) return Errno::ELOOP;
  if ((flags_ & kNoSymlinks) || (at_.mount->flags() & abi::kMsNosymfollow)) return Errno::ELOOP;
  Inode* inode = link.inode();
  if (inode->is_magic_link()) {
    if (flags_ & (kNoMagiclinks | kBeneath | kInRoot))
      return (flags_ & kNoMagiclinks) ? Errno::ELOOP : Errno::EXDEV;
    Path target = TRY(inode->follow_magic());
    if ((flags_ & kNoXdev) && target.mount() != at_.mount) return Errno::EXDEV;
    set_at(target.leak(), Hold::kCounted);
    rest_ = after;
    jumped_ = true;
    return {};
  }
  String text = TRY(inode->read_link());
  if (text.empty()) return Errno::ENOENT;
  if (text[0] == '/') {
    if (flags_ & kBeneath) return Errno::EXDEV;
    if ((flags_ & kNoXdev) && at_.mount != root_.mount) return Errno::EXDEV;
    set_at(root_, Hold::kBorrowed);
  }
  TRY(text.append(after));  // `after` may lie in link_text_, which lives until the next line
  link_text_ = std::move(text);
  rest_ = link_text_.view();
  return {};
}

Result<void> Walk::follow_last(Dentry& link) {
  Component c = split(rest_);
  jumped_ = false;
  TRY(follow(link, c.after));
  if (jumped_) return {};
  return run(StopAt::kLast);
}

Result<Path> lookup_path(const PathContext& ctx, int dirfd, std::string_view name, uint32_t flags) {
  Walk walk(ctx, name, flags);
  TRY(walk.start(dirfd));
  return walk.finish();
}

namespace {

bool still_true(Dentry& dir, Dentry& child, const QName& name) {
  return !child.is(Dentry::kRevalidate) || dir.inode()->revalidate(name.text, child.inode());
}

}  // namespace

Result<DentryRef> lookup_child(Dentry& dir, const QName& name) {
  if (DentryRef found = Vfs::current().dentries().find(dir, name); found && still_true(dir, *found, name))
    return found;
  SleepSharedGuard guard(dir.inode()->dir_lock);
  return lookup_child_locked(dir, name);
}

Result<DentryRef> lookup_child_locked(Dentry& dir, const QName& name) {
  DentryCache& cache = Vfs::current().dentries();
  if (DentryRef found = cache.find(dir, name)) {
    if (still_true(dir, *found, name)) return found;
    cache.unhash(*found);
  }
  Inode& inode = *dir.inode();
  if (inode.removed()) return Errno::ENOENT;
  Result<Ref<Inode>> r = inode.lookup(name.text);
  if (r.ok()) return cache.add(dir, name, r.take(), inode.cacheable() ? 0u : uint32_t{Dentry::kRevalidate});
  if (r.error() != Errno::ENOENT || !inode.cacheable()) return r.error();
  return cache.add(dir, name, nullptr, 0);
}

}  // namespace lodge
