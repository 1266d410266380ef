// `lodge run`: see run.h.
#include "userland/lodge/run.h"

#include "userland/lodge/failure.h"

namespace lodge {

int cmd_run(const RunOptions&) {
  return fail("run: this build has no boot loader yet");
}

}  // namespace lodge
