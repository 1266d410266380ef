// Copies of a page's worth of file contents in the page file, for what cannot be mapped from the image as it
// stands there: a last block with bytes behind the end of file, inline data, a journal block that had to be
// patched.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/result.h"
#include "vfs/ext4/device.h"

namespace lodge::ext4 {

// A new page that holds `bytes` and then zeros. ENOMEM. The caller gives it back.
Result<Place> make_page_copy(std::span<const uint8_t> bytes);
void free_page_copy(Place page);

}  // namespace lodge::ext4
