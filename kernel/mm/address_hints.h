// Addresses that something was found out about, each in the one place that it may have: a later one of the
// same place displaces it. Without a lock; what is not there may have been.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace lodge {

template <size_t kPlaces>
class AddressHints {
 public:
  // `address` is not 0.
  bool has(uint64_t address) const {
    return places_[index(address)].load(std::memory_order_relaxed) == address;
  }
  void note(uint64_t address) { places_[index(address)].store(address, std::memory_order_relaxed); }

 private:
  static size_t index(uint64_t address) { return (address ^ address >> 6) % kPlaces; }
  std::atomic<uint64_t> places_[kPlaces] = {};
};

}  // namespace lodge
