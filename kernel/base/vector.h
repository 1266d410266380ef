// A growable array in the arena. What may need memory returns Result and leaves the vector as it was when
// there is none. Not copyable: clone() says when a copy is meant. Elements move on growth.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "kernel/base/arena.h"
#include "kernel/base/panic.h"
#include "kernel/base/result.h"

namespace lodge {

template <typename T, Heat kHeat = Heat::kCold>
class Vector {
 public:
  static constexpr size_t kMaxSize = (kPageSize << PageZone::kMaxOrder) / sizeof(T);

  Vector() = default;
  Vector(Vector&& o)
      : data_(std::exchange(o.data_, nullptr)),
        size_(std::exchange(o.size_, 0)),
        capacity_(std::exchange(o.capacity_, 0)) {}
  Vector& operator=(Vector&& o) {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    std::swap(capacity_, o.capacity_);
    return *this;
  }
  ~Vector() {
    clear();
    arena_free(data_);
  }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) {
    DEBUG_ASSERT(i < size_);
    return data_[i];
  }
  const T& operator[](size_t i) const {
    DEBUG_ASSERT(i < size_);
    return data_[i];
  }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

  Result<void> reserve(size_t n) {
    if (n <= capacity_) return {};
    if (n > kMaxSize) return Errno::ENOMEM;
    auto* to = static_cast<T*>(arena_alloc(n * sizeof(T), kHeat));
    if (!to) return Errno::ENOMEM;
    for (size_t i = 0; i < size_; i++) {
      new (to + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    arena_free(data_);
    data_ = to;
    capacity_ = static_cast<uint32_t>(n);
    return {};
  }

  template <typename... A>
  Result<void> emplace_back(A&&... args) {
    if (size_ == capacity_) {
      T value(std::forward<A>(args)...);  // made first: args may lie in this vector
      TRY(grow());
      new (data_ + size_++) T(std::move(value));
      return {};
    }
    new (data_ + size_++) T(std::forward<A>(args)...);
    return {};
  }
  Result<void> push_back(T value) { return emplace_back(std::move(value)); }

  Result<void> insert(size_t at, T value) {
    DEBUG_ASSERT(at <= size_);
    TRY(emplace_back(std::move(value)));
    for (size_t i = size_ - 1; i > at; i--) std::swap(data_[i], data_[i - 1]);
    return {};
  }
  Result<void> append(std::span<const T> more) {
    DEBUG_ASSERT(more.empty() || more.data() + more.size() <= data_ || more.data() >= data_ + capacity_);
    TRY(reserve_at_least(size_ + more.size()));
    for (const T& e : more) new (data_ + size_++) T(e);
    return {};
  }
  // New elements are value-initialised.
  Result<void> resize(size_t n) {
    TRY(reserve_at_least(n));
    while (size_ > n) pop_back();
    while (size_ < n) new (data_ + size_++) T();
    return {};
  }
  Result<Vector> clone() const {
    Vector v;
    TRY(v.reserve(size_));
    TRY(v.append(span()));
    return v;
  }

  void pop_back() {
    DEBUG_ASSERT(size_ > 0);
    data_[--size_].~T();
  }
  T take_back() {
    T e = std::move(back());
    pop_back();
    return e;
  }
  void erase(size_t at) {  // keeps the order of the others
    DEBUG_ASSERT(at < size_);
    for (size_t i = at; i + 1 < size_; i++) data_[i] = std::move(data_[i + 1]);
    pop_back();
  }
  void clear() {
    while (size_ > 0) pop_back();
  }

 private:
  Result<void> grow() { return reserve(capacity_ < 4 ? 4 : capacity_ + capacity_ / 2); }
  Result<void> reserve_at_least(size_t n) {
    if (n <= capacity_) return {};
    size_t half_more = capacity_ + capacity_ / 2;
    return reserve(n > half_more ? n : half_more);
  }

  T* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace lodge
