#include "vfs/ext4/page_copy.h"

#include "kernel/base/layout.h"
#include "kernel/mm/page_file.h"

namespace lodge::ext4 {

Result<Place> make_page_copy(std::span<const uint8_t> bytes) {
  PageFile& pages = kernel_part<PageFile>();
  uint64_t offset = TRY(pages.allocate(kPageSize));
  // What is not written stays zero.
  auto r = host::pwrite(host::HostFile::kPages, bytes.data(), bytes.size(), offset);
  if (!r.ok() || *r != bytes.size()) {
    pages.free(offset, kPageSize);
    return Errno::ENOMEM;
  }
  return Place::in_pages(offset >> kPageShift);
}

void free_page_copy(Place page) {
  kernel_part<PageFile>().free(page.byte_offset(), kPageSize);
}

}  // namespace lodge::ext4
