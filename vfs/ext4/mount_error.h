// MountError: why an image cannot be mounted, in one line for people. Filled by what refuses it, next to the
// Errno.
#pragma once
#include <string_view>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"

namespace lodge::ext4 {

class MountError {
 public:
  MountError() : out_(text_) {}
  std::string_view message() const { return out_.view(); }

  // Keeps the message and passes `e` on: `return error.refuse(Errno::EUCLEAN, "group {} is damaged", group)`.
  template <typename... A>
  Errno refuse(Errno e, FormatString<std::type_identity_t<A>...> text, const A&... args) {
    out_.clear();
    format(out_, text, args...);
    return e;
  }

 private:
  char text_[200] = {};
  Formatter out_;
};

}  // namespace lodge::ext4
