#include "kernel/host/hosted/inject.h"

namespace lodge::hosted {
namespace {
thread_local uint64_t countdown[static_cast<int>(Injected::kCount)];
}  // namespace

void fail_nth(Injected what, uint64_t n) {
  countdown[static_cast<int>(what)] = n;
}
uint64_t fail_pending(Injected what) {
  return countdown[static_cast<int>(what)];
}

bool should_fail(Injected what) {
  uint64_t& n = countdown[static_cast<int>(what)];
  return n != 0 && --n == 0;
}

}  // namespace lodge::hosted
