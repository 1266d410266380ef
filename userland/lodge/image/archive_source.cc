// See archive_source.h.
#include "userland/lodge/image/archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <cerrno>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/tree_path.h"

namespace lodge {

namespace {

constexpr size_t kReadBytes = 1 << 20;

std::string text(const char* value) {
  return value == nullptr ? std::string() : std::string(value);
}

void append_xattrs(archive_entry* entry, std::vector<Xattr>& xattrs) {
  archive_entry_xattr_reset(entry);
  const char* name;
  const void* value;
  size_t size;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    xattrs.push_back({name, std::string(static_cast<const char*>(value), size)});
  }
}

}  // namespace

ArchiveSource::ArchiveSource(const std::string& file) : file_(file), archive_(archive_read_new()) {
  if (archive_ == nullptr) throw Failure(file + ": out of memory");
  struct stat status;
  if (stat(file.c_str(), &status) != 0) {
    int error = errno;
    archive_read_free(archive_);
    throw host_failure(file, error);
  }
  file_bytes_ = S_ISREG(status.st_mode) ? status.st_size : 0;
  archive_read_support_filter_all(archive_);
  archive_read_support_format_tar(archive_);
  if (archive_read_open_filename(archive_, file.c_str(), kReadBytes) != ARCHIVE_OK) {
    std::string reason = text(archive_error_string(archive_));
    archive_read_free(archive_);
    throw Failure(file + ": " + reason);
  }
}

ArchiveSource::~ArchiveSource() {
  archive_read_free(archive_);
}

void ArchiveSource::refuse(const std::string& reason) const {
  std::string where = entry_ == nullptr ? "" : text(archive_entry_pathname(entry_)) + ": ";
  throw Failure(file_ + ": " + where + reason);
}

bool ArchiveSource::next(TreeEntry& entry) {
  int result = archive_read_next_header(archive_, &entry_);
  if (result == ARCHIVE_EOF) return false;
  // ARCHIVE_WARN comes with a usable entry: an unknown pax keyword, a name that is not UTF-8.
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    entry_ = nullptr;
    refuse(text(archive_error_string(archive_)));
  }
  entry = TreeEntry{};
  const char* pathname = archive_entry_pathname(entry_);
  if (pathname == nullptr) refuse("an entry without a readable name");
  std::optional<std::string> path = normalize_tree_path(pathname);
  if (!path) refuse("the path leaves the tree");
  entry.path = std::move(*path);

  if (const char* target = archive_entry_hardlink(entry_)) {
    entry.hard_link_to = normalize_tree_path(target);
    if (!entry.hard_link_to) refuse("the link's target leaves the tree");
    return true;
  }
  entry.mode = archive_entry_mode(entry_);
  entry.uid = archive_entry_uid(entry_);
  entry.gid = archive_entry_gid(entry_);
  entry.major = archive_entry_rdevmajor(entry_);
  entry.minor = archive_entry_rdevminor(entry_);
  entry.mtime = {archive_entry_mtime(entry_), static_cast<uint32_t>(archive_entry_mtime_nsec(entry_))};
  entry.atime = entry.ctime = entry.mtime;
  if (archive_entry_atime_is_set(entry_)) {
    entry.atime = {archive_entry_atime(entry_), static_cast<uint32_t>(archive_entry_atime_nsec(entry_))};
  }
  if (archive_entry_ctime_is_set(entry_)) {
    entry.ctime = {archive_entry_ctime(entry_), static_cast<uint32_t>(archive_entry_ctime_nsec(entry_))};
  }
  entry.symlink_target = text(archive_entry_symlink(entry_));
  append_xattrs(entry_, entry.xattrs);
  append_acl_xattrs(entry_, entry.xattrs);
  return true;
}

bool ArchiveSource::read(DataRun& run) {
  const void* bytes;
  size_t size;
  la_int64_t offset;
  int result;
  do {
    result = archive_read_data_block(archive_, &bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return false;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) refuse(text(archive_error_string(archive_)));
  } while (size == 0);
  run = {static_cast<uint64_t>(offset), {static_cast<const std::byte*>(bytes), size}};
  return true;
}

uint64_t ArchiveSource::size() const {
  return archive_entry_size(entry_);
}

uint64_t ArchiveSource::progress_done() const {
  return archive_filter_bytes(archive_, -1);
}

}  // namespace lodge
