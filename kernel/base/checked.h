// Arithmetic on numbers that a guest chose: overflow is a result, not a surprise. And rounding to powers of
// two.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace lodge {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}
template <std::integral T>
constexpr std::optional<T> checked_sub(T a, T b) {
  T r;
  if (__builtin_sub_overflow(a, b, &r)) return std::nullopt;
  return r;
}
template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}

// `to` is a power of two.
template <std::unsigned_integral T>
constexpr T align_down(T n, std::type_identity_t<T> to) {
  return n & ~(to - 1);
}
template <std::unsigned_integral T>
constexpr T align_up(T n, std::type_identity_t<T> to) {
  return (n + to - 1) & ~(to - 1);
}
template <std::unsigned_integral T>
constexpr bool is_aligned(T n, std::type_identity_t<T> to) {
  return (n & (to - 1)) == 0;
}
template <std::unsigned_integral T>
constexpr std::optional<T> checked_align_up(T n, std::type_identity_t<T> to) {
  auto r = checked_add(n, static_cast<T>(to - 1));
  if (!r) return std::nullopt;
  return align_down(*r, to);
}
template <std::unsigned_integral T>
constexpr T div_round_up(T n, std::type_identity_t<T> by) {
  return n / by + (n % by != 0);
}

}  // namespace lodge
