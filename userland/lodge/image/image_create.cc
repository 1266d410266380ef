// See image_create.h.
#include "userland/lodge/image/image_create.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "userland/lodge/failure.h"
#include "userland/lodge/image/archive_source.h"
#include "userland/lodge/image/dir_source.h"
#include "userland/lodge/image/ext4_format.h"
#include "userland/lodge/image/image_builder.h"
#include "userland/lodge/image/progress.h"
#include "userland/lodge/image/temporary_file.h"

namespace lodge {

namespace {

std::unique_ptr<TreeSource> open_source(const ImageCreateOptions& options, const TemporaryFile& image) {
  if (!options.from_tar.empty()) return std::make_unique<ArchiveSource>(options.from_tar);
  if (options.from_directory.empty()) return nullptr;
  struct stat status;
  if (fstat(image.fd(), &status) != 0) throw host_failure(image.path(), errno);
  return std::make_unique<DirSource>(options.from_directory, status.st_dev, status.st_ino);
}

}  // namespace

int cmd_image_create(const ImageCreateOptions& options) {
  if (options.bytes < kMinImageBytes || options.bytes > kMaxImageBytes) {
    throw Failure("--size has to be between 8M and 16T");
  }
  signal(SIGXFSZ, SIG_IGN);  // beyond ulimit -f: EFBIG, and one line
  uint64_t bytes = options.bytes - options.bytes % kImageBlockBytes;
  TemporaryFile image(options.file);
  std::unique_ptr<TreeSource> source = open_source(options, image);
  if (ftruncate(image.fd(), bytes) != 0) throw host_failure(options.file, errno);

  Ext4Filesystem filesystem(image.path(), bytes);
  ImageBuilder builder(filesystem.get());
  Progress progress(options.file);
  if (source) builder.add_all(*source, progress);
  builder.finish();
  filesystem.close();
  image.commit();
  return 0;
}

}  // namespace lodge
