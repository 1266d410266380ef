// IoCursor: the memory side of a read or write, a list of guest segments (iovec) or one kernel buffer,
// consumed from the front. File systems either copy through it or hand its segments to the host (pread
// straight into the guest).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/abi/uio.h"
#include "kernel/base/result.h"
#include "kernel/host/host.h"
#include "kernel/host/user_copy.h"

namespace lodge {

class IoCursor {
 public:
  // The segments must stay alive and have been range-checked (import_iovec does both checks of readv(2)).
  explicit IoCursor(std::span<const abi::Iovec> segments);
  IoCursor(UserAddr buf, size_t n);  // one guest segment; range-checked on use
  // Kernel memory, for exec and other internal readers.
  static IoCursor kernel(void* buf, size_t n) { return IoCursor(KernelTag(), buf, n); }
  static IoCursor kernel(std::span<const abi::Iovec> segments) { return IoCursor(KernelTag(), segments); }
  IoCursor(const IoCursor&) = delete;  // a single segment is referred to in place
  IoCursor& operator=(const IoCursor&) = delete;

  size_t remaining() const { return remaining_; }
  bool is_kernel() const { return kernel_; }
  void truncate(size_t n);  // no more than n bytes from here
  // Copies up to n bytes and advances. Short only if the cursor ends. EFAULT if nothing could be copied; a
  // later fault ends the copy short, as Linux has it.
  Result<size_t> copy_out(const void* src, size_t n);  // kernel -> guest (read)
  Result<size_t> copy_in(void* dst, size_t n);         // guest -> kernel (write)
  Result<size_t> zero_out(size_t n);
  // Up to n bytes between this memory and a host file, by the host itself. Short where the host file ends or
  // the guest's memory faults; EFAULT if nothing could be moved. An error of the host is EIO.
  Result<size_t> read_from(host::HostFile f, uint64_t offset, size_t n);
  Result<size_t> write_to(host::HostFile f, uint64_t offset, size_t n);
  // The contiguous segment at the front; then advance() by what was done. Guest segments are unchecked.
  struct Segment {
    void* address;
    size_t length;
  };
  Segment front() const;
  void advance(size_t n);

 private:
  struct KernelTag {};
  IoCursor(KernelTag, void* buf, size_t n);
  IoCursor(KernelTag, std::span<const abi::Iovec> segments) : IoCursor(segments) { kernel_ = true; }
  void skip_empty();
  template <typename Call>
  Result<size_t> host_io(size_t n, Call call);
  template <typename Step>
  Result<size_t> move(size_t n, Step step);

  abi::Iovec single_{};
  std::span<const abi::Iovec> segments_;
  size_t offset_ = 0;  // into the first segment
  size_t remaining_ = 0;
  bool kernel_ = false;
};

}  // namespace lodge
