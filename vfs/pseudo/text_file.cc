#include "vfs/pseudo/text_file.h"

#include <algorithm>

#include "kernel/base/format.h"
#include "kernel/base/layout.h"
#include "kernel/file/io_cursor.h"
#include "vfs/pseudo/inode.h"

namespace lodge {

Result<size_t> TextFile::read(IoCursor& to, uint64_t offset) {
  SleepGuard guard(text_lock_);
  if (!made_ || offset == 0) {
    text_.clear();
    made_ = false;
    Formatter out(text_);
    TRY(source_.show(out));
    if (out.truncated()) return Errno::ENOMEM;
    made_ = true;
  }
  if (offset >= text_.size()) return size_t{0};
  return to.copy_out(text_.data() + offset, std::min<uint64_t>(to.remaining(), text_.size() - offset));
}

// A setting is one write; what is longer than any of them is refused as a whole.
Result<size_t> TextFile::write(IoCursor& from, uint64_t) {
  String text;
  size_t n = from.remaining();
  if (n >= kPageSize) return Errno::EINVAL;
  TRY(text.resize(n));
  if (n > 0) n = TRY(from.copy_in(text.data(), n));
  TRY(source_.store(substr(text.view(), 0, n)));
  return n;
}

}  // namespace lodge
