// The kernel's end of the mailbox: requests to the monitor, reaped processes, and the byte streams. What the
// monitor wrote is trusted no more than the monitor trusts us only in so far as it keeps the VPS itself
// working; indexes are masked all the same. Lock: MailboxState::lock (kMonitor), innermost; the request ring
// has many writers.
#pragma once
#include <cstdint>
#include <span>

#include "kernel/base/kernel.h"
#include "kernel/base/mutex.h"
#include "kernel/mailbox/mailbox.h"

namespace lodge {

struct MailboxState {
  static constexpr KernelPart kPart = KernelPart::kMailbox;
  mailbox::Mailbox* box = nullptr;
  Mutex lock{LockClass::kMonitor};
  std::atomic<uint64_t> pages_told{0};  // the last pages_may_grow() that the monitor heard of
};

inline mailbox::Mailbox& the_mailbox() {
  return *kernel_part<MailboxState>().box;
}

void send_request(mailbox::Request kind, int32_t tgid, int32_t tid, uint32_t argument);
// False if there is no room: for what may as well not be heard.
bool try_send_request(mailbox::Request kind, int32_t tgid, int32_t tid, uint32_t argument);
// A line of the kernel's to lodge's stderr, newline included; dropped where there is no room, since it must
// not block.
void tell_user(std::span<const char> line);
// So many pages may become resident, of `limit`: asks the monitor to look, if that is much and news. Nothing
// before the mailbox is there.
void pages_may_grow(uint64_t pages, uint64_t limit);
// Next host process that the monitor has reaped; false if none. Caller holds TaskSlots::lock (one reader).
bool take_reaped(mailbox::ReapedEntry& out);

// Streams. Both return bytes moved; 0 means none or no room now.
size_t ring_write(mailbox::ByteRing& ring, std::span<const char> bytes);
size_t ring_read(mailbox::ByteRing& ring, std::span<char> bytes);

}  // namespace lodge
