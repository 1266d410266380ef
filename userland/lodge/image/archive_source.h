// A tar as the source of an image: plain or compressed with whatever libarchive knows (gzip, xz, zstd,
// bzip2), with GNU and pax extensions: sparse files, long names, nanoseconds, xattrs, ACLs. Owners are the
// tar's numbers. No locks.
#pragma once

#include "userland/lodge/image/tree_source.h"

struct archive;
struct archive_entry;

namespace lodge {

class ArchiveSource final : public TreeSource {
 public:
  explicit ArchiveSource(const std::string& file);
  ~ArchiveSource() override;
  ArchiveSource(const ArchiveSource&) = delete;
  ArchiveSource& operator=(const ArchiveSource&) = delete;

  bool next(TreeEntry& entry) override;
  bool read(DataRun& run) override;
  uint64_t size() const override;
  uint64_t progress_done() const override;
  uint64_t progress_total() const override { return file_bytes_; }

 private:
  [[noreturn]] void refuse(const std::string& reason) const;

  std::string file_;
  uint64_t file_bytes_ = 0;
  archive* archive_;
  archive_entry* entry_ = nullptr;
};

// The ACLs of a tar entry as the xattrs in which Linux keeps them; none when the entry has no extended ACL.
void append_acl_xattrs(archive_entry* entry, std::vector<Xattr>& xattrs);

}  // namespace lodge
