// Changing credentials: who may become whom, and what that does to capabilities (credentials(7),
// capabilities(7)). Each thread has its own (libc changes them all); a change makes a new Cred and swaps it
// in.
#pragma once
#include <optional>

#include "kernel/file/cred.h"
#include "kernel/task/task.h"

namespace lodge {

// Securebits; each is followed by the bit that locks it.
constexpr uint32_t kSecNoroot = 1, kSecNoSetuidFixup = 4, kSecKeepCaps = 16, kSecKeepCapsLocked = 32,
                   kSecNoAmbientRaise = 64, kSecAll = 0xff;

struct UidChange {
  std::optional<Uid> real, effective, saved, fs;
};
// The rules of set*uid(2) have been seen to. ENOMEM.
Result<void> change_uids(Task& self, const UidChange& change);
Result<void> change_gids(Task& self, const UidChange& change);
// setfsuid(2) alone: touches only the capabilities of files.
Result<void> change_fsuid(Task& self, Uid uid);

constexpr CapSet cap_bit(Cap c) {
  return CapSet{1} << static_cast<int>(c);
}

struct CapSets {
  CapSet effective, permitted, inheritable;
};
Result<void> change_caps(Task& self, const CapSets& to);  // capset(2): EPERM

}  // namespace lodge
