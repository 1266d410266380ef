// Failures on demand in the hosted build: the nth copy from or to guest memory, or the nth read or write of a
// host file, from now on fails once (EFAULT, EIO). Per host thread. n = 0 turns it off. A test of error paths
// counts n up until the failure no longer comes.
#pragma once
#include <cstdint>

namespace lodge::hosted {

enum class Injected : uint8_t { kUserCopy, kHostIo, kCount };

void fail_nth(Injected what, uint64_t n);
uint64_t fail_pending(Injected what);  // 0: it has happened, or none was asked for
bool should_fail(Injected what);       // asked by the hosted host layer

}  // namespace lodge::hosted
