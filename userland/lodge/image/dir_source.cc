// See dir_source.h. Everything is reached from the directory's own descriptor, never by a long path.
#include "userland/lodge/image/dir_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "userland/lodge/failure.h"

namespace lodge {

namespace {

constexpr size_t kBufferBytes = 1 << 20;
constexpr size_t kMaxXattrBytes = 65536;  // XATTR_SIZE_MAX, also of a list of names

std::vector<std::string> names_in(int directory_fd, const std::string& shown) {
  int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = fd < 0 ? nullptr : fdopendir(fd);
  if (stream == nullptr) throw host_failure(shown, errno);
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  int error = errno;
  closedir(stream);
  if (error != 0) throw host_failure(shown, error);
  // Backwards, as next() takes them from the end.
  std::sort(names.begin(), names.end(), std::greater<>());
  return names;
}

// Names that a filesystem makes up (system.nfs4_acl and the like) have no place in an ext4 image.
bool is_kept(const std::string& name) {
  return !name.starts_with("system.") || name == "system.posix_acl_access" ||
         name == "system.posix_acl_default";
}

std::vector<Xattr> xattrs_of(int directory_fd, const std::string& name, const std::string& shown) {
  // There is no getxattrat(); the descriptor's link in /proc gives the l*() calls a short path.
  std::string path = "/proc/self/fd/" + std::to_string(directory_fd) + "/" + name;
  std::string list(kMaxXattrBytes, '\0');
  ssize_t length = llistxattr(path.c_str(), list.data(), list.size());
  if (length < 0 && errno == ENOTSUP) return {};
  if (length < 0) throw host_failure(shown + ": xattrs", errno);
  std::vector<Xattr> xattrs;
  for (const char* at = list.data(); at < list.data() + length; at += strlen(at) + 1) {
    Xattr xattr{at, std::string(kMaxXattrBytes, '\0')};
    if (!is_kept(xattr.name)) continue;
    ssize_t size = lgetxattr(path.c_str(), at, xattr.value.data(), xattr.value.size());
    if (size < 0) throw host_failure(shown + ": xattr " + xattr.name, errno);
    xattr.value.resize(size);
    xattrs.push_back(std::move(xattr));
  }
  return xattrs;
}

Timestamp timestamp(const timespec& time) {
  return {time.tv_sec, static_cast<uint32_t>(time.tv_nsec)};
}

uint64_t data_bytes_below(const std::string& root) {
  uint64_t bytes = 0;
  std::error_code ignored;  // an estimate; what cannot be read is reported when its turn comes
  auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator at(root, options, ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    struct stat status;
    if (lstat(at->path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) bytes += status.st_size;
  }
  return bytes;
}

}  // namespace

struct DirSource::Level {
  FileDescriptor fd;
  std::string path;
  std::vector<std::string> names;  // still to come, last one first
};

DirSource::DirSource(const std::string& root, dev_t skip_device, ino_t skip_inode)
    : root_(root), skip_device_(skip_device), skip_inode_(skip_inode), buffer_(kBufferBytes) {
  FileDescriptor fd(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw host_failure(root, errno);
  bytes_total_ = data_bytes_below(root);
  push(std::move(fd), "");
}

DirSource::~DirSource() = default;

std::string DirSource::shown(const std::string& path) const {
  return path.empty() ? root_ : root_ + "/" + path;
}

void DirSource::push(FileDescriptor directory, std::string path) {
  auto level = std::make_unique<Level>();
  level->names = names_in(directory.get(), shown(path));
  level->fd = std::move(directory);
  level->path = std::move(path);
  levels_.push_back(std::move(level));
}

FileDescriptor DirSource::open_in(const Level& level, const std::string& name, int flags) const {
  FileDescriptor fd(openat(level.fd.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) throw host_failure(shown(level.path.empty() ? name : level.path + "/" + name), errno);
  return fd;
}

bool DirSource::next(TreeEntry& entry) {
  if (!root_done_) {
    root_done_ = true;
    entry = TreeEntry{};
    describe(levels_.front()->fd.get(), ".", entry);
    return true;
  }
  while (!levels_.empty()) {
    Level& level = *levels_.back();
    if (level.names.empty()) {
      levels_.pop_back();
      continue;
    }
    std::string name = std::move(level.names.back());
    level.names.pop_back();
    entry = TreeEntry{};
    entry.path = level.path.empty() ? name : level.path + "/" + name;
    struct stat status;
    if (fstatat(level.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_dev == skip_device_ && status.st_ino == skip_inode_) {
      continue;
    }
    describe(level.fd.get(), name, entry);
    if (S_ISDIR(entry.mode)) {
      push(open_in(level, name, O_RDONLY | O_DIRECTORY), entry.path);
    } else if (S_ISREG(entry.mode) && !entry.hard_link_to) {
      file_ = open_in(level, name, O_RDONLY);
      file_path_ = entry.path;
      file_at_ = data_end_ = 0;
    }
    return true;
  }
  return false;
}

void DirSource::describe(int directory_fd, const std::string& name, TreeEntry& entry) {
  struct stat status;
  if (fstatat(directory_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    throw host_failure(shown(entry.path), errno);
  }
  entry.mode = status.st_mode;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.atime = timestamp(status.st_atim);
  entry.mtime = timestamp(status.st_mtim);
  entry.ctime = timestamp(status.st_ctim);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    entry.major = major(status.st_rdev);
    entry.minor = minor(status.st_rdev);
  }
  if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
    auto [first, is_new] = linked_.try_emplace({status.st_dev, status.st_ino}, entry.path);
    if (!is_new) {
      entry.hard_link_to = first->second;
      bytes_done_ += S_ISREG(status.st_mode) ? status.st_size : 0;
      return;
    }
  }
  if (S_ISLNK(status.st_mode)) {
    entry.symlink_target.resize(PATH_MAX);
    ssize_t length = readlinkat(directory_fd, name.c_str(), entry.symlink_target.data(), PATH_MAX);
    if (length < 0) throw host_failure(shown(entry.path), errno);
    entry.symlink_target.resize(length);
  }
  entry.xattrs = xattrs_of(directory_fd, name, shown(entry.path));
}

bool DirSource::read(DataRun& run) {
  if (file_at_ == data_end_) {
    // SEEK_DATA fails with ENXIO behind the last data; the rest up to the size is a hole then.
    off_t data = lseek(file_.get(), file_at_, SEEK_DATA);
    if (data < 0 && errno != ENXIO) throw host_failure(shown(file_path_), errno);
    off_t hole = data < 0 ? -1 : lseek(file_.get(), data, SEEK_HOLE);
    if (data >= 0 && hole < 0) throw host_failure(shown(file_path_), errno);
    if (data < 0) {
      struct stat status;
      if (fstat(file_.get(), &status) != 0) throw host_failure(shown(file_path_), errno);
      file_size_ = status.st_size;
      bytes_done_ += file_size_ - std::min(file_size_, file_at_);
      return false;
    }
    bytes_done_ += data - file_at_;
    file_at_ = data;
    data_end_ = hole;
  }
  ssize_t got =
      pread(file_.get(), buffer_.data(), std::min<uint64_t>(buffer_.size(), data_end_ - file_at_), file_at_);
  if (got < 0) throw host_failure(shown(file_path_), errno);
  if (got == 0) throw Failure(shown(file_path_) + ": became shorter while it was read");
  run = {file_at_, std::span<const std::byte>(buffer_.data(), got)};
  file_at_ += got;
  bytes_done_ += got;
  return true;
}

}  // namespace lodge
