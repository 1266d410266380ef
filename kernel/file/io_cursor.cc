#include "kernel/file/io_cursor.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/layout.h"
#include "kernel/base/lockdep.h"
#include "kernel/sched/host_read.h"

namespace lodge {

IoCursor::IoCursor(std::span<const abi::Iovec> segments) : segments_(segments) {
  for (const abi::Iovec& s : segments_) remaining_ += s.length;
  skip_empty();
}

IoCursor::IoCursor(UserAddr buf, size_t n) : single_{buf, n}, segments_(&single_, 1), remaining_(n) {
  skip_empty();
}

IoCursor::IoCursor(KernelTag, void* buf, size_t n)
    : single_{reinterpret_cast<uint64_t>(buf), n}, segments_(&single_, 1), remaining_(n), kernel_(true) {
  skip_empty();
}

void IoCursor::truncate(size_t n) {
  remaining_ = std::min(remaining_, n);
}

IoCursor::Segment IoCursor::front() const {
  if (remaining_ == 0) return {nullptr, 0};
  const abi::Iovec& s = segments_.front();
  return {reinterpret_cast<void*>(s.base + offset_), std::min<size_t>(s.length - offset_, remaining_)};
}

void IoCursor::advance(size_t n) {
  remaining_ -= n;
  offset_ += n;
  while (!segments_.empty() && offset_ >= segments_.front().length) {
    offset_ -= segments_.front().length;
    segments_ = segments_.subspan(1);
  }
}

void IoCursor::skip_empty() {
  advance(0);
}

// Moves up to n bytes with step(segment address, bytes done, bytes). A step that faults is tried again page
// by page, since Linux reports what lay before the fault.
template <typename Step>
Result<size_t> IoCursor::move(size_t n, Step step) {
  size_t done = 0;
  n = std::min(n, remaining_);
  while (done < n) {
    auto address = reinterpret_cast<uint64_t>(front().address);
    size_t length = std::min(front().length, n - done);
    if (auto r = step(address, done, length); !r.ok()) [[unlikely]] {
      size_t part = 0;
      while (part < length) {
        size_t to_page_end = kPageSize - ((address + part) & (kPageSize - 1));
        size_t piece = std::min(length - part, to_page_end);
        if (!step(address + part, done + part, piece).ok()) break;
        part += piece;
      }
      if (part < length) {
        advance(part);
        if (done + part == 0) return r.error();
        return done + part;
      }
    }
    advance(length);
    done += length;
  }
  return done;
}

Result<size_t> IoCursor::copy_out(const void* src, size_t n) {
  return move(n, [&](uint64_t address, size_t done, size_t length) -> Result<void> {
    const char* from = static_cast<const char*>(src) + done;
    if (!kernel_) return copy_to_user(address, from, length);
    std::memcpy(reinterpret_cast<void*>(address), from, length);
    return {};
  });
}

Result<size_t> IoCursor::copy_in(void* dst, size_t n) {
  return move(n, [&](uint64_t address, size_t done, size_t length) -> Result<void> {
    char* to = static_cast<char*>(dst) + done;
    if (!kernel_) return copy_from_user(to, address, length);
    std::memcpy(to, reinterpret_cast<const void*>(address), length);
    return {};
  });
}

Result<size_t> IoCursor::zero_out(size_t n) {
  return move(n, [&](uint64_t address, size_t, size_t length) -> Result<void> {
    if (!kernel_) return clear_user(address, length);
    std::memset(reinterpret_cast<void*>(address), 0, length);
    return {};
  });
}

// call(address, bytes, bytes done before) is one host call.
template <typename Call>
Result<size_t> IoCursor::host_io(size_t n, Call call) {
  size_t done = 0;
  n = std::min(n, remaining_);
  while (done < n) {
    Segment s = front();
    size_t length = std::min(s.length, n - done);
    Result<size_t> r = Errno::EFAULT;
    if (kernel_ || user_readable(reinterpret_cast<uint64_t>(s.address), length)) {
      assert_no_locks_held();
      r = call(s.address, length, done);
    }
    if (!r.ok()) {
      if (done != 0) break;
      if (r.error() == Errno::EFAULT || r.error() == Errno::EAGAIN || r.error() == Errno::ENOSPC)
        return r.error();
      return Errno::EIO;
    }
    advance(*r);
    done += *r;
    if (*r < length) break;
  }
  return done;
}

Result<size_t> IoCursor::read_from(host::HostFile f, uint64_t offset, size_t n) {
  return host_io(
      n, [&](void* p, size_t length, size_t done) { return read_host_file(f, p, length, offset + done); });
}

Result<size_t> IoCursor::write_to(host::HostFile f, uint64_t offset, size_t n) {
  return host_io(
      n, [&](void* p, size_t length, size_t done) { return host::pwrite(f, p, length, offset + done); });
}

}  // namespace lodge
