// The text of a path, for getcwd(2), /proc/PID/{cwd,exe,fd,maps} and messages.
#pragma once
#include "kernel/base/format.h"
#include "kernel/file/file.h"
#include "kernel/file/path.h"

namespace lodge {

// Appends the path as seen from `root`: "(unreachable)" comes before what is not below it, " (deleted)"
// behind what has no name any more. ENAMETOOLONG beyond PATH_MAX.
Result<void> put_path(Formatter& out, const Path& path, const Path& root);
// getcwd(2)'s: ENOENT for a deleted directory.
Result<void> put_cwd(Formatter& out, const Path& cwd, const Path& root);
// The path within its file system, whatever is mounted where: mountinfo's "root".
Result<void> put_path_in_fs(Formatter& out, const Dentry& dentry);
// What /proc/PID/fd/N shows of an open file: its path, or its own description.
Result<void> put_file(Formatter& out, const File& file, const Path& root);

}  // namespace lodge
