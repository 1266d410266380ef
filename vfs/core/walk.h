// Path lookup (path_resolution(7)).
//
// A Walk resolves one path. It runs through cached components without locks or counts (run_lockless), takes a
// reference where it has to stop, does one component the slow way (step: a symbolic link, a name that is not
// cached, a directory that must be asked), and goes on without locks. Lock-free progress counts only once it
// is confirmed: the reference was taken and neither the dentry's nor the mount tree's sequence has changed.
//
// Locks: none are held on entry or return. step() takes the directory's dir_lock shared for a name that is
// not cached. Linux: fs/namei.c, openat2(2) for Resolve.
#pragma once
#include <optional>

#include "kernel/file/fd_table.h"
#include "vfs/core/fs_context.h"
#include "vfs/core/mount.h"
#include "vfs/core/qname.h"

namespace lodge {

// Whose view of the file tree a path is resolved in.
struct PathContext {
  FsContext& fs;
  FdTable& fds;
  const Cred& cred;
};

enum WalkFlags : uint32_t {
  // openat2(2)'s RESOLVE_*.
  kNoXdev = 0x01,
  kNoMagiclinks = 0x02,
  kNoSymlinks = 0x04,
  kBeneath = 0x08,
  kInRoot = 0x10,
  kCached = 0x20,
  kResolveMask = 0x3f,

  kFollow = 0x100,     // follow a symbolic link at the end
  kDirectory = 0x200,  // ENOTDIR unless it ends at a directory
  kEmptyOk = 0x400,    // AT_EMPTY_PATH: "" is the starting point itself, of any type
};

class Walk {
 public:
  // The name, and what the context refers to, must outlive the walk.
  Walk(const PathContext& ctx, std::string_view name, uint32_t flags)
      : ctx_(ctx), rest_(name), flags_(flags) {}
  ~Walk() { set_at({}, Hold::kBorrowed); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // First: where to start. dirfd as in openat(2).
  Result<void> start(int dirfd);
  // All components.
  Result<Path> finish();
  // All but the last, which then stands in last(); at() is its directory.
  Result<void> to_parent();
  enum class Last : uint8_t { kName, kDot, kDotDot, kRoot };
  Last last_type() const { return last_type_; }
  const QName& last() const { return *last_; }
  bool trailing_slash() const { return trailing_slash_; }
  Path at() const { return Path(at_); }
  Dentry& dir() const { return *at_.dentry; }
  Mount& mount() const { return *at_.mount; }
  // After to_parent: the last component turned out to be this symbolic link. Goes on to the parent of its
  // target.
  Result<void> follow_last(Dentry& link);
  // follow_last() ended at an object itself instead of a parent (a magic link): it is at().
  bool jumped() const { return jumped_; }

 private:
  enum class StopAt : uint8_t { kEnd, kLast };
  enum class Hold : uint8_t { kBorrowed, kCounted };
  enum class Lockless : uint8_t { kStopped, kDisturbed, kFailed };
  struct Component {
    std::string_view name, after;
    bool last;
    bool trailing_slash;
  };

  static Component split(std::string_view rest);
  void skip_slashes();
  Result<void> run(StopAt stop);
  Lockless run_lockless(StopAt stop, Errno& error);
  bool climb_lockless(Mount*& m, Dentry*& d, uint32_t& seq) const;
  Result<void> step(const Component& c);
  Result<void> check_end() const;
  Result<void> climb();
  Result<void> enter(DentryRef child, const Component& c);
  Result<void> follow(Dentry& link, std::string_view after);
  void set_at(PathPointers p, Hold hold);
  bool confined() const { return (flags_ & (kNoXdev | kBeneath | kInRoot)) != 0; }
  bool follows(const Component& c) const { return !c.last || c.trailing_slash || (flags_ & kFollow); }

  const PathContext& ctx_;
  std::string_view rest_;
  uint32_t flags_;
  PathPointers at_;
  bool counted_ = false;  // at_ is
  PathPointers root_;     // borrowed, from what is below
  Path root_hold_;
  std::optional<FileGuard> dir_file_;
  String link_text_;  // behind rest_ once a link was followed
  int links_ = 0;
  std::optional<QName> last_;
  Last last_type_ = Last::kName;
  bool trailing_slash_ = false;
  bool jumped_ = false;
};

// A path in one call.
Result<Path> lookup_path(const PathContext& ctx, int dirfd, std::string_view name, uint32_t flags);

// One name in a directory: what is cached, else what the file system says. The result may be negative.
Result<DentryRef> lookup_child(Dentry& dir, const QName& name);
Result<DentryRef> lookup_child_locked(Dentry& dir, const QName& name);  // under dir_lock

}  // namespace lodge
