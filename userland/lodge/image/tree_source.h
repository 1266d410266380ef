// What an image is filled from: a tree of files, one entry after the other, each followed by its data.
// DirSource reads a directory of the host, ArchiveSource a tar. Single-threaded; all functions may throw
// Failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lodge {

struct Timestamp {
  int64_t seconds;
  uint32_t nanoseconds;
};

struct Xattr {
  std::string name;  // with its namespace: "user.x", "security.capability", "system.posix_acl_access"
  std::string value;
};

struct TreeEntry {
  std::string path;   // relative to the root, without "." and ".."; empty: the root itself
  uint32_t mode = 0;  // type and permissions, as in st_mode
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t major = 0;  // of a device node
  uint32_t minor = 0;
  Timestamp atime{};
  Timestamp mtime{};
  Timestamp ctime{};
  std::string symlink_target;
  std::optional<std::string> hard_link_to;  // path of an earlier entry; then nothing but `path` counts
  std::vector<Xattr> xattrs;
};

// A run of a regular file's bytes. Runs come in ascending order; what lies between them is a hole.
struct DataRun {
  uint64_t offset;
  std::span<const std::byte> bytes;  // valid until the next call
};

class TreeSource {
 public:
  virtual ~TreeSource() = default;

  // The next entry; a directory comes before what is in it, if it comes at all. False: no more.
  virtual bool next(TreeEntry& entry) = 0;

  // The next run of the entry that next() returned last, a regular file. False: no more. To be called until
  // then.
  virtual bool read(DataRun& run) = 0;

  // Size of that file, once read() has returned false.
  virtual uint64_t size() const = 0;

  // How far the source is, in units of its own, for the progress bar. A total of 0 means unknown.
  virtual uint64_t progress_done() const = 0;
  virtual uint64_t progress_total() const = 0;
};

}  // namespace lodge
