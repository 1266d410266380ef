// From a typed handler to a table entry: decodes the registers by the handler's parameter types.
#pragma once
#include <type_traits>
#include <utility>

#include "syscalls/types.h"

namespace lodge {

// A parameter is an integer, or an aggregate whose one member is an integer (types.h).
template <typename T>
T decode_argument(uint64_t raw) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(raw);
  } else if constexpr (requires { T{}.addr; }) {
    T t;
    t.addr = raw;
    return t;
  } else if constexpr (requires { T{}.bits; }) {
    return T{static_cast<decltype(T{}.bits)>(raw)};
  } else {
    return T{static_cast<decltype(T{}.v)>(raw)};
  }
}

template <auto Handler>
struct Decoded;

template <typename... Args, Result<SyscallReturn> (*Handler)(Task&, Args...)>
struct Decoded<Handler> {
  static_assert(sizeof...(Args) <= 6);
  static Result<SyscallReturn> call(Task& task, const uint64_t* args) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return Handler(task, decode_argument<Args>(args[I])...);
    }
    (std::index_sequence_for<Args...>{});
  }
};

}  // namespace lodge
