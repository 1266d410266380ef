// What signalfd asks of the signal queues, which lie above it (kernel/task defines this).
#pragma once
#include <cstdint>

#include "kernel/abi/signal.h"
#include "kernel/sched/wait.h"

namespace lodge {

// The queue that is woken when a signal comes in for the thread's process. It lives as long as its owner,
// which hold_signal_arrivals keeps and drop_signal_arrivals lets go.
struct SignalArrivals {
  WaitQueue* queue = nullptr;
  void* owner = nullptr;
};
SignalArrivals hold_signal_arrivals(Thread& thread);
void drop_signal_arrivals(const SignalArrivals& arrivals);

// Of the thread's own pending signals and its process's, those in `wanted`.
bool signal_is_pending(Thread& thread, abi::SigSet wanted);
bool take_pending_signal(Thread& thread, abi::SigSet wanted, abi::SigInfo& out);

}  // namespace lodge
