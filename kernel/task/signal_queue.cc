#include "kernel/task/signal_queue.h"

namespace lodge {
namespace {
constexpr abi::SigSet kSynchronous{(1ull << (abi::kSigSegv - 1)) | (1ull << (abi::kSigBus - 1)) |
                                   (1ull << (abi::kSigIll - 1)) | (1ull << (abi::kSigTrap - 1)) |
                                   (1ull << (abi::kSigFpe - 1)) | (1ull << (abi::kSigSys - 1))};
}

Result<void> SignalQueue::add(const abi::SigInfo& info, uint64_t limit) {
  int signo = info.signo;
  bool realtime = signo >= abi::kSigRtMin;
  if (!realtime && pending_.has(signo) && info.code != abi::kSiTimer) return {};
  bool unlimited = !realtime && info.code >= 0;
  QueuedSignal* entry = nullptr;
  if (unlimited || queued_ < limit)
    if (auto made = make_raw<QueuedSignal>(); made.ok()) entry = *made;
  if (!entry && realtime && info.code != abi::kSiUser) return Errno::EAGAIN;
  pending_.add(signo);
  if (entry) {
    entry->info = info;
    queue_.push_back(*entry);
    queued_++;
  }
  return {};
}

bool SignalQueue::take(abi::SigSet wanted, abi::SigInfo& out) {
  uint64_t bits = pending_.bits & wanted.bits;
  if (bits == 0) return false;
  if (bits & kSynchronous.bits) bits &= kSynchronous.bits;
  int signo = __builtin_ctzll(bits) + 1;
  QueuedSignal* found = nullptr;
  bool another = false;
  for (QueuedSignal& q : queue_) {
    if (q.info.signo != signo) continue;
    if (found) {
      another = true;
      break;
    }
    found = &q;
  }
  if (!another) pending_.remove(signo);
  if (found) {
    out = found->info;
    List<QueuedSignal>::remove(*found);
    queued_--;
    destroy(found);
  } else {  // there was no memory for its info
    out = abi::SigInfo();
    out.signo = signo;
    out.code = abi::kSiUser;
  }
  return true;
}

bool SignalQueue::has_timer(int32_t id) {
  for (QueuedSignal& q : queue_)
    if (q.info.code == abi::kSiTimer && q.info.timer.id == id) return true;
  return false;
}

void SignalQueue::flush(abi::SigSet which) {
  pending_.bits &= ~which.bits;
  for (QueuedSignal& q : queue_)
    if (which.has(q.info.signo)) {
      List<QueuedSignal>::remove(q);
      queued_--;
      destroy(&q);
    }
}

}  // namespace lodge
