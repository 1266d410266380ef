// Files without a name in a tmpfs that is mounted nowhere: memfd_create(2), and what the kernel needs of the
// kind.
#pragma once
#include <string_view>

#include "kernel/file/file.h"
#include "vfs/core/vfs.h"

namespace lodge {

// Makes the tmpfs that they live in. At boot, after vfs_init.
Result<void> init_memfd(Vfs& vfs);

enum class Sealing : uint8_t { kForbidden, kAllowed };
// Open for reading and writing; "/memfd:NAME (deleted)".
Result<Ref<File>> make_memfd(std::string_view name, Sealing sealing, uint32_t mode, const Cred& cred);

}  // namespace lodge
