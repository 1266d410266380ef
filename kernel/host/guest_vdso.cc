#include "kernel/host/guest_vdso.h"

#include "kernel/host/memory.h"

extern "C" {
extern const char guest_vdso_begin[] __attribute__((visibility("hidden")));
extern const char guest_vdso_end[] __attribute__((visibility("hidden")));
}

namespace lodge::host {

namespace {
constexpr int kRead = 1, kWrite = 2, kExec = 4;
size_t image_bytes() {
  return static_cast<size_t>(::guest_vdso_end - guest_vdso_begin);
}
}  // namespace

uint64_t guest_vdso_end() {
  return kGuestVdsoElf + ((image_bytes() + kPageSize - 1) & ~(kPageSize - 1));
}

Result<void> map_guest_vdso(const GuestVdsoData& data) {
  TRY(map_anonymous(kGuestVdsoData, guest_vdso_end() - kGuestVdsoData, kRead | kWrite, false));
  __builtin_memcpy(reinterpret_cast<void*>(kGuestVdsoData), &data, sizeof data);
  __builtin_memcpy(reinterpret_cast<void*>(kGuestVdsoElf), guest_vdso_begin, image_bytes());
  TRY(protect(kGuestVdsoData, kPageSize, kRead));
  return protect(kGuestVdsoElf, guest_vdso_end() - kGuestVdsoElf, kRead | kExec);
}

}  // namespace lodge::host
