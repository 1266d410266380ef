#include "kernel/sched/host_read.h"

#include <iterator>

#include "kernel/base/lockdep.h"
#include "kernel/sched/sched.h"

namespace lodge {

namespace {

// The hint for a read that lies in one chunk, else null.
HostReadHints::Chunk* hint_for(host::HostFile file, size_t n, uint64_t offset, uint64_t& key) {
  uint64_t chunk = offset >> HostReadHints::kChunkShift;
  if (n == 0 || (offset + n - 1) >> HostReadHints::kChunkShift != chunk) return nullptr;
  key = (chunk + 1) << 8 | static_cast<uint64_t>(file);
  return &current().host_reads.chunks[chunk % std::size(current().host_reads.chunks)];
}

}  // namespace

Result<size_t> read_host_file(host::HostFile file, void* buffer, size_t n, uint64_t offset) {
  assert_no_locks_held();
  // Memory, and the host does not answer the question below for it.
  if (file == host::HostFile::kPages) return host::pread(file, buffer, n, offset);

  // To ask without waiting costs a sixth more than to read. Where the answer was yes a moment ago it will be
  // again; if it is not, the read waits with the virtual CPU in hand, once.
  uint64_t key = 0;
  HostReadHints::Chunk* hint = hint_for(file, n, offset, key);
  const bool trusted = hint && hint->key == key && hint->uses_left > 0;
  size_t done = 0;
  // EAGAIN: not in the page cache. EOPNOTSUPP: the host's file system does not tell. Both: ask the slow way.
  // A short count is either the same in the middle of the range, or the end of file, which the slow call
  // tells apart.
  if (auto r = trusted ? host::pread(file, buffer, n, offset) : host::pread_nowait(file, buffer, n, offset);
      r.ok()) {
    done = *r;
    if (done == n) [[likely]] {
      if (trusted)
        hint->uses_left--;
      else if (hint)
        *hint = {key, HostReadHints::kUses};
      return done;
    }
  } else if (r.error() == Errno::EFAULT) {
    return r.error();
  }
  while (done < n) {
    sched_release_cpu(HostCall::kDisk);
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
