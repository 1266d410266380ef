// TextFile: an open file whose contents are made when it is read.
//
// The text is made anew by each read at offset 0 and stands still until the next one: whoever reads on, in
// pieces of whatever size, sees one text, and whoever goes back to the start (top, with /proc/stat) sees the
// present. Linux: Documentation/filesystems/seq_file.rst. Lock: text_lock_ (sleeping), held while the text is
// made and copied to the guest.
#pragma once
#include "kernel/base/string.h"
#include "kernel/file/file.h"

namespace lodge {

class TextInode;

class TextFile final : public File {
 public:
  TextFile(Ref<Inode> inode, TextInode& source, uint32_t flags)
      : File(std::move(inode), flags), source_(source) {}

  Result<size_t> read(IoCursor& to, uint64_t offset) override;
  Result<size_t> write(IoCursor& from, uint64_t offset) override;
  Inode* map_source() override { return nullptr; }

 private:
  TextInode& source_;  // the inode, which the file keeps
  SleepMutex text_lock_;
  bool made_ = false;
  String text_;
};

}  // namespace lodge
