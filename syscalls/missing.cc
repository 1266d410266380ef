#include "syscalls/missing.h"

#include <string_view>

#include "kernel/mailbox/kernel_side.h"
#include "syscalls/table.h"

namespace lodge {

void note_missing(unsigned number) {
  MailboxState& s = kernel_part<MailboxState>();
  mailbox::Mailbox& m = *s.box;
  std::string_view name = kSyscallTable[number].name;
  MutexLock guard(s.lock);
  uint32_t length = m.missing_length.load(std::memory_order_relaxed);
  if (length > sizeof m.missing) return;
  // Each name once; the list is short.
  std::string_view have(m.missing, length);
  for (size_t at = 0; at < have.size();) {
    size_t end = at;
    while (end < have.size() && have[end] != ' ') end++;
    if (std::string_view(m.missing + at, end - at) == name) return;
    at = end + 1;
  }
  size_t needed = name.size() + (length ? 1 : 0);
  if (length + needed > sizeof m.missing) return;
  if (length) m.missing[length++] = ' ';
  __builtin_memcpy(m.missing + length, name.data(), name.size());
  m.missing_length.store(length + static_cast<uint32_t>(name.size()), std::memory_order_release);
}

}  // namespace lodge
