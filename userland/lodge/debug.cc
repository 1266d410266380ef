// `lodge debug`: see debug.h.
#include "userland/lodge/debug.h"

#include "userland/lodge/failure.h"

namespace lodge {

int cmd_debug(const DebugOptions&) {
  return fail("debug: this build cannot look into a VPS yet");
}

}  // namespace lodge
