// Reading a host file from a kernel context: from the host's page cache if the data is there, else by a call
// that waits for the disk. The second gives the virtual CPU away meanwhile. May be called with guest memory
// as the buffer. Hold no Mutex.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/base/result.h"
#include "kernel/host/host.h"

namespace lodge {

// Up to n bytes, fewer only at the end of the file or where the buffer stops being mapped. EFAULT, or the
// host's error.
Result<size_t> read_host_file(host::HostFile file, void* buffer, size_t n, uint64_t offset);

}  // namespace lodge
