// `lodge image create`: makes a disk image. Exit code 0, or 125. May throw Failure.
#pragma once

#include <cstdint>
#include <string>

namespace lodge {

struct ImageCreateOptions {
  std::string file;
  uint64_t bytes;
  std::string from_directory;  // at most one of these two; none: an empty filesystem
  std::string from_tar;
};

int cmd_image_create(const ImageCreateOptions& options);

}  // namespace lodge
