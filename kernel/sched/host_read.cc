#include "kernel/sched/host_read.h"

#include "kernel/base/lockdep.h"
#include "kernel/sched/sched.h"

namespace lodge {

Result<size_t> read_host_file(host::HostFile file, void* buffer, size_t n, uint64_t offset) {
  assert_no_locks_held();
  size_t done = 0;
  // EAGAIN: not in the page cache. EOPNOTSUPP: the host's file system does not tell. Both: ask the slow way.
  // A short count is either the same in the middle of the range, or the end of file, which the slow call
  // tells apart.
  if (auto r = host::pread_nowait(file, buffer, n, offset); r.ok()) {
    done = *r;
    if (done == n) [[likely]]
      return done;
  } else if (r.error() == Errno::EFAULT) {
    return r.error();
  }
  while (done < n) {
    sched_release_cpu();
    auto r = host::pread(file, static_cast<char*>(buffer) + done, n - done, offset + done);
    sched_reacquire_cpu();
    if (!r.ok()) {
      if (r.error() == Errno::EINTR) continue;
      if (done != 0) break;
      return r.error();
    }
    if (*r == 0) break;
    done += *r;
  }
  return done;
}

}  // namespace lodge
