// A file that is not there until it is whole: made under another name beside its place, renamed when
// committed, and taken away on error and on SIGINT, SIGTERM and SIGHUP. One at a time per process. No locks.
#pragma once

#include <string>

#include "userland/lodge/file_descriptor.h"

namespace lodge {

class TemporaryFile {
 public:
  // `target` may exist; if so it has to be a regular file, which commit() replaces.
  explicit TemporaryFile(const std::string& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  void commit();

 private:
  std::string target_;
  std::string path_;
  FileDescriptor fd_;
  bool is_committed_ = false;
};

}  // namespace lodge
