// The command line of `lodge image`.
#include <memory>

#include "userland/lodge/command_line.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/image/image_create.h"
#include "userland/lodge/size_parse.h"

namespace lodge {

void register_image(CLI::App& app, int& exit_code) {
  CLI::App* image = app.add_subcommand("image", "Make disk images");
  image->require_subcommand(1);
  CLI::App* create = image->add_subcommand("create", "Make an ext4 image, empty or from a tree of files");
  struct Raw {
    ImageCreateOptions options;
    std::string size;
  };
  auto raw = std::make_shared<Raw>();
  create->add_option("FILE", raw->options.file, "The image; replaced if it exists")->required();
  create->add_option("--size", raw->size, "Size of its filesystem, such as 512M or 2G")->required();
  CLI::Option* directory =
      create->add_option("--from-dir", raw->options.from_directory, "Fill it with this directory's files");
  create
      ->add_option("--from-tar", raw->options.from_tar, "Fill it with this tar's files (plain, gz, xz, zst)")
      ->excludes(directory);
  create->callback([raw, &exit_code] {
    std::optional<uint64_t> bytes = parse_size(raw->size);
    if (!bytes) throw Failure("--size '" + raw->size + "' is not a size such as 512M or 2G");
    raw->options.bytes = *bytes;
    exit_code = cmd_image_create(raw->options);
  });
}

}  // namespace lodge
