#include "kernel/mailbox/kernel_side.h"

#include "kernel/host/host.h"

namespace lodge {

using namespace mailbox;

bool try_send_request(Request kind, int32_t tgid, int32_t tid, uint32_t argument) {
  MailboxState& s = kernel_part<MailboxState>();
  Mailbox& m = *s.box;
  bool sent = false;
  {
    MutexLock guard(s.lock);
    uint32_t tail = m.request_tail.load(std::memory_order_relaxed);
    if (tail - m.request_head.load(std::memory_order_acquire) < kRequests) {
      m.requests[tail % kRequests] = {kind, tgid, tid, argument};
      m.request_tail.store(tail + 1, std::memory_order_release);
      m.monitor_bell.fetch_add(1, std::memory_order_seq_cst);
      sent = true;
    }
  }
  host::futex_wake(m.monitor_bell, 1);
  return sent;
}

void send_request(Request kind, int32_t tgid, int32_t tid, uint32_t argument) {
  while (!try_send_request(kind, tgid, tid, argument)) host::yield();
}

void pages_may_grow(uint64_t pages, uint64_t limit) {
  if (pages <= limit - limit / 4 || !Kernel::current().has_part<MailboxState>()) [[likely]]
    return;
  // From here on the monitor looks by itself as long as anything moves; it hears of further changes, so that
  // it looks more often.
  std::atomic<uint64_t>& told = kernel_part<MailboxState>().pages_told;
  uint64_t before = told.load(std::memory_order_relaxed), step = limit / 32;
  if (pages <= before + step && pages + step >= before) return;
  told.store(pages, std::memory_order_relaxed);
  send_request(Request::kWatchMemory, 0, 0, 0);
}

void tell_user(std::span<const char> line) {
  MailboxState& s = kernel_part<MailboxState>();
  MutexLock guard(s.lock);
  ring_write(s.box->trace, line);
}

bool take_reaped(ReapedEntry& out) {
  Mailbox& m = the_mailbox();
  uint32_t head = m.reaped_head.load(std::memory_order_relaxed);
  if (head == m.reaped_tail.load(std::memory_order_acquire)) return false;
  out = m.reaped[head % kReaped];
  m.reaped_head.store(head + 1, std::memory_order_release);
  return true;
}

size_t ring_write(ByteRing& ring, std::span<const char> bytes) {
  uint32_t tail = ring.tail.load(std::memory_order_relaxed);
  uint32_t used = tail - ring.head.load(std::memory_order_acquire);
  if (used > kStreamBytes) return 0;
  size_t n = bytes.size() < kStreamBytes - used ? bytes.size() : kStreamBytes - used;
  if (n == 0) return 0;
  size_t at = tail % kStreamBytes;
  size_t first = n < kStreamBytes - at ? n : kStreamBytes - at;
  __builtin_memcpy(ring.data + at, bytes.data(), first);
  __builtin_memcpy(ring.data, bytes.data() + first, n - first);
  ring.tail.store(tail + static_cast<uint32_t>(n), std::memory_order_release);
  ring.data_bell.fetch_add(1, std::memory_order_seq_cst);
  if (ring.reader_waits.load(std::memory_order_seq_cst)) host::futex_wake(ring.data_bell, 1);
  return n;
}

size_t ring_read(ByteRing& ring, std::span<char> bytes) {
  uint32_t head = ring.head.load(std::memory_order_relaxed);
  uint32_t used = ring.tail.load(std::memory_order_acquire) - head;
  if (used > kStreamBytes) return 0;
  size_t n = bytes.size() < used ? bytes.size() : used;
  if (n == 0) return 0;
  size_t at = head % kStreamBytes;
  size_t first = n < kStreamBytes - at ? n : kStreamBytes - at;
  __builtin_memcpy(bytes.data(), ring.data + at, first);
  __builtin_memcpy(bytes.data() + first, ring.data, n - first);
  ring.head.store(head + static_cast<uint32_t>(n), std::memory_order_release);
  ring.space_bell.fetch_add(1, std::memory_order_seq_cst);
  if (ring.writer_waits.load(std::memory_order_seq_cst)) host::futex_wake(ring.space_bell, 1);
  return n;
}

}  // namespace lodge
