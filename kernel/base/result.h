// Result<T>: a value or an Errno. The kernel has no exceptions; every fallible function returns one of these,
// and TRY passes an error on. Result<void> carries success alone. Kernel bugs are panics, never an Errno.
#pragma once
#include <new>
#include <type_traits>
#include <utility>

#include "kernel/base/errno.h"

namespace lodge {

template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(Errno e) : error_(static_cast<int32_t>(e)) {}
  template <typename U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Errno>) Result(U&& v)
      : error_(0) {
    new (&value_) T(std::forward<U>(v));
  }
  Result(Result&& o) : error_(o.error_) {
    if (ok()) new (&value_) T(std::move(o.value_));
  }
  Result(const Result& o) requires std::is_copy_constructible_v<T> : error_(o.error_) {
    if (ok()) new (&value_) T(o.value_);
  }
  Result& operator=(Result&& o) {
    if (this != &o) {
      this->~Result();
      new (this) Result(std::move(o));
    }
    return *this;
  }
  ~Result() {
    if (ok()) value_.~T();
  }

  bool ok() const { return error_ == 0; }
  explicit operator bool() const { return ok(); }
  Errno error() const { return static_cast<Errno>(error_); }
  T& value() & { return value_; }
  const T& value() const& { return value_; }
  T&& value() && { return std::move(value_); }
  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  T take() { return std::move(value_); }
  T value_or(T other) const { return ok() ? value_ : other; }

 private:
  int32_t error_;
  union {
    T value_;
  };
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Errno e) : error_(static_cast<int32_t>(e)) {}
  bool ok() const { return error_ == 0; }
  explicit operator bool() const { return ok(); }
  Errno error() const { return static_cast<Errno>(error_); }
  void take() {}

 private:
  int32_t error_ = 0;
};

// Evaluates to the value of a Result, or returns its error from the enclosing function.
#define TRY(expr)                       \
  ({                                    \
    auto&& try_result_ = (expr);        \
    if (!try_result_.ok()) [[unlikely]] \
      return try_result_.error();       \
    try_result_.take();                 \
  })

}  // namespace lodge
