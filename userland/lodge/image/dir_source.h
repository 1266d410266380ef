// A directory of the host as the source of an image. Entries come sorted by name, so that one tree always
// gives one image; owners are those that stat shows. Hard links are recognised inside the tree. No locks.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>

#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/image/tree_source.h"

namespace lodge {

class DirSource final : public TreeSource {
 public:
  // `skip_*`: a file to leave out, the image itself when it is made inside the tree.
  DirSource(const std::string& root, dev_t skip_device, ino_t skip_inode);
  ~DirSource() override;

  bool next(TreeEntry& entry) override;
  bool read(DataRun& run) override;
  uint64_t size() const override { return file_size_; }
  uint64_t progress_done() const override { return bytes_done_; }
  uint64_t progress_total() const override { return bytes_total_; }

 private:
  struct Level;  // a directory that is being walked

  FileDescriptor open_in(const Level& level, const std::string& name, int flags) const;
  void push(FileDescriptor directory, std::string path);
  void describe(int directory_fd, const std::string& name, TreeEntry& entry);
  std::string shown(const std::string& path) const;

  std::string root_;
  dev_t skip_device_;
  ino_t skip_inode_;
  bool root_done_ = false;
  std::vector<std::unique_ptr<Level>> levels_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names: the first one met

  std::string file_path_;  // of the entry being read
  FileDescriptor file_;
  uint64_t file_size_ = 0;
  uint64_t file_at_ = 0;   // next byte to look at
  uint64_t data_end_ = 0;  // end of the run of data that file_at_ is in
  std::vector<std::byte> buffer_;

  uint64_t bytes_done_ = 0;
  uint64_t bytes_total_ = 0;
};

}  // namespace lodge
